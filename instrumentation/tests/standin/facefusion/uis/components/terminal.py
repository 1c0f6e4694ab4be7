import gradio
from tqdm import tqdm

TQDM_UPDATE = tqdm.update
TEXTBOX = None


def render():
    global TEXTBOX
    TEXTBOX = gradio.Textbox(value=read_logs, every=0.5)


def listen():
    tqdm.update = tqdm_update


def tqdm_update(self, n=1):
    TQDM_UPDATE(self, n)


def read_logs():
    return "log"
