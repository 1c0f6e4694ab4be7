"""What each of the services does for a request: it starts a run."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def swap():
    return subprocess.call([sys.executable, 'facefusion.py', 'headless-run', '-s', 'a', '-t', 'b', '-o', 'c'], cwd=HERE)
