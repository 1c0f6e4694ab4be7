"""Stands for FaceFusion's own script: a run takes two seconds."""
import time

time.sleep(2)
