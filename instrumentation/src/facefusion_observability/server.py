"""The page of a worker that has no web server: one of the standard library's, in a daemon thread."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import page
from .settings import settings


class _Handler(BaseHTTPRequestHandler):
    timeout = 10  # of a client that says nothing

    def do_GET(self) -> None:
        """Answer with a page."""
        path = self.path.split("?", 1)[0]
        if path != settings().path and path not in page.PATHS:
            self.send_error(404)
            return
        result = page.answer(
            path if path in page.PATHS else "/metrics",
            self.headers.get("Accept", ""),
            self.headers.get("Authorization", ""),
            settings(),
        )
        self.send_response(result.status)
        self.send_header("Content-Type", result.content_type)
        self.send_header("Content-Length", str(len(result.body)))
        for name, value in result.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(result.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the program's output is its own."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A worker that is replaced binds while the old one still ends.
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing about a client that went away."""


def start(host: str, port: int) -> tuple[str, int]:
    """Serve the page. It raises OSError where the address is taken."""
    server = _Server((host, port), _Handler)
    threading.Thread(
        target=server.serve_forever, name="facefusion-observability-server", daemon=True
    ).start()
    return str(server.server_address[0]), int(server.server_address[1])
