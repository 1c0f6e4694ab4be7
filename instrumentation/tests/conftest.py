"""What tests share: a checkout of the stand-in, programs in it, and a collector that keeps what it gets."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
# What is tested is what a user has: the installed wheel, or the tree where none is.
PYTHON = sys.executable


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what starts real servers: `make e2e-python` runs them, beside the Gradios."""
    for item in items:
        if "serve" in getattr(item, "fixturenames", ()):
            item.add_marker("service")


def environment(**extra: str) -> dict[str, str]:
    """Return an environment in which nothing is set that the package reads."""
    prefixes = ("FACEFUSION_", "OTEL_", "PROMETHEUS_", "TRACEPARENT", "GRADIO_", "PYTHONPATH")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(prefixes)}
    clean |= {"GRADIO_ANALYTICS_ENABLED": "0", "no_proxy": "*", "PYTHONUNBUFFERED": "1"}
    return clean | extra


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of the stand-in."""
    folder = tmp_path / "facefusion-checkout"
    shutil.copytree(HERE / "standin", folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@dataclass
class Result:
    """How a program ended."""

    code: int
    output: str
    errors: str
    seconds: float


@pytest.fixture
def run(checkout: Path) -> Callable[..., Result]:
    """Run a program in the checkout until it ends."""

    def call(*command: str, timeout: float = 60, cwd: Path | None = None, **extra: str) -> Result:
        started = time.monotonic()
        done = subprocess.run(
            command,
            cwd=cwd or checkout,
            env=environment(**extra),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr, time.monotonic() - started)

    return call


PREAMBLE = """
import os, sys
sys.path.insert(0, os.getcwd())
from facefusion_observability import start
start.process()
from facefusion import state_manager
for key, value in dict(target_path="clip.mp4", output_path="out.mp4", jobs_path=".jobs",
                       processors=["face_swapper"], log_level=os.environ.get("LOG_LEVEL", "info")).items():
    state_manager.set_item(key, value)
"""
POSTAMBLE = """
from facefusion_observability import page
print("=== page")
print(page.metrics("").body.decode())
"""


@pytest.fixture
def inside(run: Callable[..., Result]) -> Callable[..., Page]:
    """Run code in a process in which FaceFusion is observed, and return its page."""

    def call(code: str, **extra: str) -> Page:
        result = run(PYTHON, "-c", PREAMBLE + code + POSTAMBLE, **extra)
        assert result.code == 0, result.errors
        before, _, text = result.output.partition("=== page\n")
        return Page(text, before, result.errors)

    return call


class Page:
    """A page of metrics."""

    def __init__(self, text: str, output: str = "", errors: str = "") -> None:
        self.text = text
        self.output = output
        self.errors = errors

    def value(self, name: str, **labels: str) -> float | None:
        """Return the value of a series, or None."""
        from prometheus_client.parser import text_string_to_metric_families

        for family in text_string_to_metric_families(self.text):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return float(sample.value)
        return None

    def lines(self, name: str, *labels: str) -> list[str]:
        """Return the series of a name that have labels, as the page writes them."""
        return [
            line
            for line in self.text.splitlines()
            if line.startswith(name + "{") and all(label in line for label in labels)
        ]

    def names(self) -> set[str]:
        """Return the names of all series."""
        return {line.split("{")[0].split(" ")[0] for line in self.text.splitlines() if line[:1] != "#"}


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Answer:
    """An answer to a request."""

    status: int
    text: str
    headers: dict[str, str]


@dataclass
class Service:
    """A server under test."""

    process: subprocess.Popen[str]
    port: int
    log: Path

    def get(self, path: str, body: bytes | None = None, timeout: float = 30, **headers: str) -> Answer:
        """Make a request."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=body,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )
        try:
            response = urllib.request.urlopen(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            found = {name.lower(): value for name, value in response.headers.items()}
            return Answer(int(response.status), response.read().decode(), found)

    def page(self) -> Page:
        """Return the page of metrics."""
        return Page(self.get("/metrics").text)

    def eventually(self, condition: Callable[[Page], bool], seconds: float = 20) -> Page:
        """Return the page once a condition holds."""
        deadline = time.monotonic() + seconds
        while True:
            page = self.page()
            if condition(page):
                return page
            assert time.monotonic() < deadline, page.text + self.log.read_text()[-3000:]
            time.sleep(0.1)


@pytest.fixture
def serve(checkout: Path, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Start a server in the checkout, and end it after the test."""
    services: list[Service] = []

    def call(*command: str, path: str = "/healthz", port: int | None = None, **extra: str) -> Service:
        chosen = port or free_port()
        log = tmp_path / f"service-{len(services)}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [word.replace("PORT", str(chosen)) if word != "PORT" else str(chosen) for word in command],
                cwd=checkout,
                env=environment(**extra),
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        service = Service(process, chosen, log)
        services.append(service)
        deadline = time.monotonic() + 60
        while True:
            alive = process.poll() is None and time.monotonic() < deadline
            assert alive, log.read_text()[-5000:]
            try:
                service.get(path, timeout=5)
                return service
            except OSError:
                time.sleep(0.1)

    yield call
    for service in services:
        end(service.process)


def end(process: subprocess.Popen[str]) -> None:
    """End a server with all that it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


@dataclass
class Sink:
    """A collector's OTLP receiver."""

    endpoint: str
    requests: list[tuple[str, Any]] = field(default_factory=list)

    def spans(self) -> list[Any]:
        """Return the spans that came."""
        return [
            span
            for path, request in list(self.requests)
            if path == "/v1/traces"
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def logs(self) -> list[Any]:
        """Return the log records that came."""
        return [
            record
            for path, request in list(self.requests)
            if path == "/v1/logs"
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def metrics(self) -> dict[str, Any]:
        """Return the metrics that came last, by name."""
        return {
            metric.name: metric
            for path, request in list(self.requests)
            if path == "/v1/metrics"
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def wait(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Wait for something to arrive."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, [span.name for span in self.spans()]
            time.sleep(0.05)


def attributes(of: Any) -> dict[str, Any]:
    """Return the attributes of a span, record or point."""
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in of.attributes}


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A collector on a port of its own."""
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    kinds = {
        "/v1/traces": ExportTraceServiceRequest,
        "/v1/logs": ExportLogsServiceRequest,
        "/v1/metrics": ExportMetricsServiceRequest,
    }

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            sink.requests.append((self.path, kinds[self.path].FromString(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sink = Sink(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield sink
    server.shutdown()
    server.server_close()
    thread.join()
