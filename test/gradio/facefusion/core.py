"""Launch a web interface as FaceFusion's default layout does, with nothing behind it."""
import argparse
import os
import threading
import time
import urllib.request

import gradio

from facefusion import metadata

# a file of this name in the folder of triggers changes what the stand-in does for as long as it exists
DOWNLOADING = 'downloading'
BLOCK_THREADS = 'block-threads'
FAIL_RUN = 'fail-run'
# anyio lends 40 threads, and Gradio runs as many events at once
THREADS = 40


def triggered(name : str) -> bool:
	return os.path.exists(os.path.join(os.getenv('STANDIN_TRIGGERS', '.triggers'), name))


def wait_while(name : str) -> None:
	while triggered(name):
		time.sleep(0.1)


def start() -> str:
	return 'started'


def run() -> str:
	time.sleep(float(os.getenv('STANDIN_RUN_SECONDS', '1')))
	if triggered(FAIL_RUN):
		raise MemoryError('out of memory')
	return 'done'


def stop() -> str:
	return 'stopped'


def clear() -> str:
	return ''


def apply() -> str:
	return 'applied'


def read_logs() -> str:
	return 'processing: 45% (122/270)'


def update_preview_image() -> str:
	return 'preview'


def hold() -> str:
	wait_while(BLOCK_THREADS)
	return ''


def create_ui() -> gradio.Blocks:
	with gradio.Blocks(title = metadata.get('name') + ' ' + metadata.get('version'), fill_width = True) as ui:
		output = gradio.Textbox()
		# the instant runner, the job runner, the job manager, the terminal, and one of the 230 that nobody asks for:
		# Gradio numbers the names that come again
		for function in [ start, run, stop, clear, start, run, stop, apply, read_logs, update_preview_image ]:
			gradio.Button(function.__name__).click(function, outputs = output)
		gradio.Button(hold.__name__).click(hold, outputs = output, concurrency_limit = None)
	return ui


def block_threads(url : str) -> None:
	while True:
		if triggered(BLOCK_THREADS):
			for _ in range(THREADS):
				call(url, 'hold')
			wait_while(BLOCK_THREADS)
		time.sleep(0.1)


def call(url : str, function : str) -> None:
	headers = { 'Content-Type': 'application/json' }
	request = urllib.request.Request(url + 'gradio_api/call/' + function, data = b'{"data":[]}', headers = headers)
	urllib.request.urlopen(request, timeout = 10).close()


def cli() -> None:
	program = argparse.ArgumentParser(prog = 'facefusion.py')
	program.add_argument('command', choices = [ 'run' ])
	program.parse_known_args()

	# the port opens once the models are there
	wait_while(DOWNLOADING)
	ui = create_ui()
	_, url, _ = ui.launch(prevent_thread_lock = True)
	threading.Thread(target = block_threads, args = (url,), daemon = True).start()
	ui.block_thread()
