"""Record what a real Gradio answers to the requests that the collector sends, for testdata/web.

    <venv with the gradio to record>/bin/python test/gradio/record.py testdata/web/<version>.json
    <venv with gradio 3.50.2>/bin/python test/gradio/record.py --no-queue testdata/web/3.50.2-noqueue.json

The app that is recorded registers functions under the names, and launches in the way, of FaceFusion's default layout.
"""
import argparse
import json
import os
import platform
import threading
import time
import urllib.error
import urllib.request

# before the import: nothing may leave this machine, and the loopback is reached without a proxy
os.environ['GRADIO_ANALYTICS_ENABLED'] = '0'
os.environ['NO_PROXY'] = os.environ['no_proxy'] = '127.0.0.1,localhost'

import gradio
from gradio_client import Client

PATHS =\
[
	'/gradio_api/queue/status',
	'/queue/status',
	'/gradio_api/app_id',
	'/app_id',
	'/gradio_api/startup-events',
	'/startup-events',
	'/gradio_api/monitoring/summary',
	'/monitoring/summary'
]
HEADERS = [ 'content-type', 'content-length', 'content-encoding', 'location', 'server', 'set-cookie' ]
FUNCTIONS = [ 'start', 'run', 'stop', 'clear', 'start_1', 'run_1', 'stop_1', 'apply', 'read_logs' ]

release = threading.Event()
will_fail = threading.Event()


def start() -> str:
	return 'started'


def run() -> str:
	release.wait(60)
	if will_fail.is_set():
		raise MemoryError('out of memory')
	return 'done'


def stop() -> str:
	return 'stopped'


def clear() -> str:
	return ''


def apply() -> str:
	return 'applied'


def read_logs() -> str:
	return 'log'


def is_gradio_3() -> bool:
	return gradio.__version__.startswith('3.')


def create() -> gradio.Blocks:
	with gradio.Blocks(title = 'FaceFusion 0.0.0') as ui:
		output = gradio.Textbox()
		# the instant runner, the job runner, the job manager and the terminal, in FaceFusion's order:
		# Gradio numbers the names that come again
		for function in [ start, run, stop, clear, start, run, stop, apply, read_logs ]:
			gradio.Button(function.__name__).click(function, outputs = output)
	return ui


def ask(url : str) -> dict:
	request = urllib.request.Request(url, headers = { 'Accept': 'application/json', 'Accept-Encoding': 'identity' })
	try:
		response = urllib.request.urlopen(request, timeout = 10)
	except urllib.error.HTTPError as error:
		response = error
	with response:
		body = response.read().decode()
		headers = { name: response.headers[name] for name in HEADERS if name in response.headers }
		return { 'status': response.status, 'headers': headers, 'body': body }


def ask_all(url : str) -> dict:
	return { path: ask(url + path) for path in PATHS }


def wait_all(jobs : list) -> None:
	for job in jobs:
		try:
			job.result(timeout = 60)
		except Exception as error:
			# the run that was meant to fail
			assert will_fail.is_set(), error
	# Gradio computes its statistics after it has answered, and imports pandas for the first ones
	time.sleep(3)


def record(url : str, with_queue : bool) -> dict:
	moments = { 'idle': ask_all(url) }
	if not with_queue:
		return moments

	client = Client(url)

	def submit(name : str):
		return client.submit(fn_index = FUNCTIONS.index(name))

	# one run at a time, but four in FaceFusion 2
	jobs = [ submit('run') for _ in range(6 if is_gradio_3() else 3) ]
	time.sleep(3)
	moments['two wait'] = ask_all(url)
	release.set()
	wait_all(jobs)
	moments['all have run'] = ask_all(url)
	wait_all([ submit('read_logs') ])
	moments['and a log was read'] = ask_all(url)
	will_fail.set()
	wait_all([ submit('run') ])
	moments['a run has failed'] = ask_all(url)
	wait_all([ submit('read_logs') ])
	moments['a run has failed, and a log was read'] = ask_all(url)
	will_fail.clear()
	release.clear()
	jobs = [ submit('run') ]
	wait_all([ submit('read_logs') ])
	moments['the next one runs, and a log was read'] = ask_all(url)
	release.set()
	wait_all(jobs)
	wait_all([ submit(name) for name in FUNCTIONS ])
	wait_all([ submit('read_logs') ])
	moments['every function has run'] = ask_all(url)
	return moments


def main() -> None:
	parser = argparse.ArgumentParser()
	parser.add_argument('--no-queue', action = 'store_true', help = 'launch as FaceFusion 2.0 to 2.3 did')
	parser.add_argument('output')
	args = parser.parse_args()

	ui = create()
	if is_gradio_3() and not args.no_queue:
		# FaceFusion 2.4 to 2.6
		ui.queue(concurrency_count = 4)
	_, url, _ = ui.launch(quiet = True, prevent_thread_lock = True)
	moments = record(url.rstrip('/'), not args.no_queue)
	recording =\
	{
		'gradio': gradio.__version__,
		'python': platform.python_version(),
		'recorded': True,
		'moments': moments
	}
	with open(args.output, 'w') as file:
		json.dump(recording, file, indent = 1, sort_keys = True)
		file.write('\n')
	# a client of Gradio leaves threads that would keep the process
	os._exit(0)


if __name__ == '__main__':
	main()
