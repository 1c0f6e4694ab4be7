"""Servers of other kinds than Gradio, in real frameworks, in a folder shaped like a checkout of FaceFusion.

    python facefusion.py run

SERVER_KIND says which, SERVER_PORT where it listens, SERVER_CERT and SERVER_KEY that it speaks TLS. /health answers
{"status": "ok"}, as late as the file that SERVER_DELAY names says, in seconds. A bot listens nowhere.
SERVER_DEBUG_PORT is a second port, which never answers.
"""
import os
import socket
import sys
import time

KIND = os.environ['SERVER_KIND']
PORT = int(os.environ['SERVER_PORT'])
CERT, KEY = os.environ.get('SERVER_CERT'), os.environ.get('SERVER_KEY')


def delay() -> float:
	try:
		with open(os.environ['SERVER_DELAY']) as file:
			return float(file.read())
	except (KeyError, OSError, ValueError):
		return 0


def run_fastapi() -> None:
	import fastapi
	import uvicorn
	app = fastapi.FastAPI()

	@app.get('/health')
	def health() -> dict:
		time.sleep(delay())
		return {'status': 'ok'}

	uvicorn.run(app, host='127.0.0.1', port=PORT, ssl_certfile=CERT, ssl_keyfile=KEY)


def run_v4() -> None:
	import fastapi
	import uvicorn
	app = fastapi.FastAPI()

	@app.get('/capabilities')
	def capabilities() -> dict:
		return {'execution_providers': ['cpu']}

	uvicorn.run(app, host='127.0.0.1', port=PORT)


def make_flask():
	import flask
	app = flask.Flask('service')

	@app.get('/health')
	def health() -> dict:
		time.sleep(delay())
		return {'status': 'ok'}

	return app


def run_flask() -> None:
	make_flask().run(host='127.0.0.1', port=PORT, ssl_context=(CERT, KEY) if CERT else None)


def run_gunicorn() -> None:
	from gunicorn.app.base import BaseApplication

	class Application(BaseApplication):
		def load_config(self) -> None:
			self.cfg.set('bind', f'127.0.0.1:{PORT}')
			self.cfg.set('workers', 2)

		def load(self):
			return make_flask()

	Application().run()


def run_aiohttp() -> None:
	import ssl
	from aiohttp import web

	async def health(_request) -> web.Response:
		return web.json_response({'status': 'ok'})

	context = None
	if CERT:
		context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
		context.load_cert_chain(CERT, KEY)
	app = web.Application()
	app.router.add_get('/health', health)
	web.run_app(app, host='127.0.0.1', port=PORT, ssl_context=context)


def run_grpc() -> None:
	from concurrent.futures import ThreadPoolExecutor
	import grpc
	server = grpc.server(ThreadPoolExecutor(2))
	server.add_insecure_port(f'127.0.0.1:{PORT}')
	server.start()
	server.wait_for_termination()


def run_bot() -> None:
	while True:
		time.sleep(1)


def run_greedy() -> None:
	"""Works while the file of SERVER_DELAY says 1, and takes a gigabyte when it says 2."""
	while True:
		wanted = delay()
		if wanted == 2:
			bytearray(b'x') * 2 ** 30
		if wanted == 0:
			time.sleep(0.1)


if __name__ == '__main__':
	assert sys.argv[1:] in (['run'], ['headless-run'])
	if 'SERVER_DEBUG_PORT' in os.environ:
		debugger = socket.create_server(('127.0.0.1', int(os.environ['SERVER_DEBUG_PORT'])))  # accepts, and says nothing
	globals()[f'run_{KIND}']()
