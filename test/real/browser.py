"""Does in the web UI of FaceFusion what a user does in a browser, by gradio_client.

    browser.py URL

Reads one command a line, `NUMBER JSON`, where JSON is a list of a verb and its arguments, and answers each with
`NUMBER ok` or `NUMBER error WHAT` when it is done. Several may be under way at once.

    target FILE              choose a target
    click                    press START of the instant runner; done when the run has ended
    stop                     press STOP of the instant runner
    create JOB               make a job of the target by the job manager: created, a step added, submitted
    run ACTION JOB           press START of the job runner
    preview                  look at a frame of the target
    tabs COUNT               have that many more tabs open, each of which polls the log as a browser does
"""

import concurrent.futures
import json
import sys
import threading
import time

import gradio_client

POLL_SECONDS = 0.5
# A machine that is busy is no web UI that does not answer.
PATIENCE = {'timeout': 120}


class Browser:
	def __init__(self, url):
		self.url = url
		self.client = gradio_client.Client(url, verbose=False, httpx_kwargs=PATIENCE)
		self.leaving = threading.Event()

	def endpoint(self, name, input_type=None):
		"""The function of that name, the one whose first input is of that type where several have the name."""
		components = {component['id']: component for component in self.client.config['components']}
		for dependency in self.client.config['dependencies']:
			inputs = [components[i] for i in dependency['inputs']]
			api_name = dependency['api_name'] or ''
			if api_name != name and not api_name.startswith(name + '_'):
				continue
			if input_type is None and api_name == name:
				return '/' + api_name
			if inputs and inputs[0]['type'] == input_type and inputs[0]['props'].get('file_count') == 'single':
				return '/' + api_name
		raise LookupError(f'the web UI has no function {name}')

	def target(self, file):
		self.client.predict(gradio_client.handle_file(file), api_name=self.endpoint('update', 'file'))

	def click(self):
		self.client.submit(api_name='/start')  # turns the buttons; may wait for ever
		self.client.predict(api_name='/run')

	def stop(self):
		self.client.predict(api_name='/stop')

	def create(self, job):
		for action in [['job-create', job, 'none'], ['job-add-step', job, job], ['job-submit', job, job]]:
			self.client.predict(*action, 'none', api_name='/apply')

	def run(self, action, job):
		self.client.predict(action, api_name='/update_job_action')  # offers the jobs that there are
		self.client.submit(api_name='/start_1')
		self.client.predict(action, job, api_name='/run_1')

	def preview(self):
		components = {component['id']: component for component in self.client.config['components']}
		for dependency in self.client.config['dependencies']:
			if dependency['api_name'] == 'update_preview_image':
				values = [components[i]['props'].get('value') for i in dependency['inputs']]
				self.client.predict(*values, api_name='/update_preview_image')
				return
		raise LookupError('the web UI has no preview')

	def tabs(self, count):
		for _ in range(count):
			threading.Thread(target=self.poll, daemon=True).start()

	def poll(self):
		client = gradio_client.Client(self.url, verbose=False, httpx_kwargs=PATIENCE)
		due = time.monotonic()
		while not self.leaving.wait(max(0, due - time.monotonic())):
			due = max(due, time.monotonic() - POLL_SECONDS) + POLL_SECONDS
			client.predict(api_name='/read_logs')


def main(url):
	browser = Browser(url)
	output = threading.Lock()

	def answer(number, text):
		with output:
			print(number, text, flush=True)

	def do(number, verb, *arguments):
		try:
			getattr(browser, verb)(*arguments)
			answer(number, 'ok')
		except Exception as error:  # whatever it was, the test gets it
			answer(number, f'error {type(error).__name__}: {error}'.splitlines()[0])

	with concurrent.futures.ThreadPoolExecutor(16) as pool:
		answer(0, 'ok')
		for line in sys.stdin:
			number, command = line.split(' ', 1)
			pool.submit(do, number, *json.loads(command))
		browser.leaving.set()


if __name__ == '__main__':
	main(sys.argv[1])
