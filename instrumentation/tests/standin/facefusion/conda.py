import os
import sys


def setup():
    # FaceFusion 3.6 and later start Python once more inside conda.
    if os.getenv("CONDA_PREFIX") and not os.getenv("CONDA_READY"):
        os.environ["CONDA_READY"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.argv])
