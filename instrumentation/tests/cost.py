"""What a request costs with and without the package: `make cost-python` prints it.

Servers run side by side, each in a process of its own: without, without once more, with the page, with
the page shared by workers, and with spans and logs as well, sent to a collector that answers. Requests go
to each in turn, on connections that stay open, so that whatever else the machine does hits all alike; what
the two without differ by is what is not the package's. The times are those that a client sees.
Last comes the middleware alone, without a network, called in turn with and without.

As root all of it runs before whatever else the machine does: p99 is the package's then, and not that of
a neighbour who interrupts one call in a hundred.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from conftest import HERE, PYTHON, environment, free_port

REQUESTS = int(os.environ.get("REQUESTS", "20000"))
# The same as without, in another process: how far two servers are apart that do not differ.
AGAIN = "without, once more"
COLLECTOR = "collector"
# How many requests a server has one after the other. With one each, nobody finds in a cache what it needs:
# that is the others' then, whom a server with a machine of its own does not meet.
BURST = int(os.environ.get("BURST", "50"))
UVICORN = (PYTHON, "-m", "uvicorn", "--log-level", "warning", "--port")


class Collector(BaseHTTPRequestHandler):
    """A collector that takes whatever comes."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def alone_on_the_machine() -> bool:
    """Run before everything else, with the processes that are started from now on."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except (AttributeError, OSError):
        return False
    return True


def start(**extra: str) -> tuple[subprocess.Popen[bytes], http.client.HTTPConnection]:
    """Start a server and connect to it."""
    port = free_port()
    process = subprocess.Popen(
        (*UVICORN, str(port), "apps.fast:app"), cwd=HERE, env=environment(PYTHONPATH=str(HERE), **extra)
    )
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            connection.connect()
            return process, connection
        except OSError:
            assert process.poll() is None
            time.sleep(0.05)


def ask(connection: http.client.HTTPConnection) -> float:
    """Make a request, and return how long it took in microseconds."""
    started = time.perf_counter()
    connection.request("GET", "/v1/nothing")
    response = connection.getresponse()
    response.read()
    assert response.status == 200
    return 1e6 * (time.perf_counter() - started)


def spent(process: subprocess.Popen[bytes]) -> float:
    """Return the CPU time of a server in microseconds, that of its threads included."""
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return 1e6 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def line(name: str, times: list[float], base: list[float] | None, cpu: float = 0) -> None:
    """Print a line of the table."""
    p50, p99 = (statistics.quantiles(times, n=100)[n] for n in (49, 98))
    text = f"{name:42} p50 {p50:8.1f} µs   p99 {p99:8.1f} µs"
    if base is not None:
        b50, b99 = (statistics.quantiles(base, n=100)[n] for n in (49, 98))
        text += f"   more: {p50 - b50:+7.1f} µs, {p99 - b99:+7.1f} µs"
    if cpu:
        text += f"   CPU {cpu:7.1f} µs"
    print(text)


def answering() -> tuple[subprocess.Popen[str], str]:
    """Start a collector in a process of its own, and return its endpoint as well."""
    process = subprocess.Popen((PYTHON, __file__, COLLECTOR), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def collect() -> None:
    """Be the collector."""
    collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    print(f"http://127.0.0.1:{collector.server_address[1]}", flush=True)
    collector.serve_forever()


def over_the_network() -> None:
    """Compare servers."""
    collector, endpoint = answering()
    with tempfile.TemporaryDirectory() as folder:
        kinds = {
            "without": {"FACEFUSION_METRICS": "0"},
            AGAIN: {"FACEFUSION_METRICS": "0"},
            "with the page": {},
            "with the page, shared by workers": {"PROMETHEUS_MULTIPROC_DIR": folder},
            "with the page, spans and logs": {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
        }
        servers = {name: start(**extra) for name, extra in kinds.items()}
        times: dict[str, list[float]] = {name: [] for name in servers}
        for _ in range(500):  # the first ones are slower everywhere
            for _, connection in servers.values():
                ask(connection)
        before = {name: spent(process) for name, (process, _) in servers.items()}
        turn = list(servers.items())
        for _ in range(REQUESTS // BURST):
            # None of them always comes after the one whose spans are being sent.
            random.shuffle(turn)
            for name, (_, connection) in turn:
                times[name] += [ask(connection) for _ in range(BURST)]
        time.sleep(3)  # what is sent later is paid for as well
        cpu = {name: (spent(process) - before[name]) / REQUESTS for name, (process, _) in servers.items()}
        for process, _ in servers.values():
            process.kill()
            process.wait()
    collector.kill()
    collector.wait()
    print(f"A request to FastAPI under uvicorn, {REQUESTS} of each kind, in an order that changes:")
    for name, found in times.items():
        line("  " + name, found, times["without"] if name != "without" else None, cpu[name])


async def alone(name: str) -> None:
    """Compare calls of an application, by the CPU time that they take: a busy machine is in no p99 then."""
    from fastapi import FastAPI

    from facefusion_observability import asgi, otlp

    otlp.start()  # if the environment says so

    async def nothing() -> dict[str, str]:
        return {}

    apps = []
    for observed in (False, True):
        app = FastAPI()
        app.get("/v1/nothing/{id}")(nothing)
        if observed:
            asgi.instrument(app)
        apps.append(app)
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/v1/nothing/7",
        "raw_path": b"/v1/nothing/7",
        "query_string": b"",
        "headers": [(b"host", b"x"), (b"user-agent", b"x"), (b"accept", b"*/*")],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
        "root_path": "",
        "asgi": {"version": "3.0"},
    }

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: object) -> None:
        pass

    times: list[list[float]] = [[], []]
    for number in range(REQUESTS + 500):
        for app, found in zip(apps, times, strict=True):
            started = time.thread_time()
            await app(dict(scope), receive, send)
            if number >= 500:
                found.append(1e6 * (time.thread_time() - started))
    line("  without", times[0], None)
    line("  " + name, times[1], times[0])


def without_a_network() -> None:
    """Compare calls in processes of their own, as what is sent is sent by the whole process."""
    print("The same without a network, one call after the other, CPU time of the thread:", flush=True)
    collector, endpoint = answering()
    for name, extra in (
        ("with the page", {}),
        ("with the page, spans and logs", {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}),
    ):
        subprocess.run((PYTHON, __file__, name), env=environment(**extra), check=True)
    collector.kill()
    collector.wait()


if __name__ == "__main__":
    if sys.argv[1:] == [COLLECTOR]:
        collect()
    elif len(sys.argv) > 1:
        asyncio.run(alone(sys.argv[1]))
    else:
        where = "before whatever else runs" if alone_on_the_machine() else "beside whatever else runs"
        print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, {where}")
        over_the_network()
        without_a_network()
