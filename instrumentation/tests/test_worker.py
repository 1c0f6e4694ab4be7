"""A real Celery worker that forks, and a plain worker without any framework."""

import os
import subprocess
import threading

import pytest

from conftest import HERE, PYTHON, environment, free_port

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OBSERVE = (PYTHON, "-m", "facefusion_observability")
CELERY = (PYTHON, "-m", "celery", "-A", "apps.tasks", "worker", "-c", "2", "-l", "error", "-P", "prefork")

SEND = """
from facefusion_observability import context, hooks
from facefusion_observability.hooks import worker
worker.install()
import apps.tasks
context.enter(context.Scope(context.parse({traceparent!r}), "mine-7"))
print(apps.tasks.swap.delay("clip.mp4").get(timeout=60))
try:
    apps.tasks.crash.delay().get(timeout=60)
except RuntimeError:
    print("crashed")
"""


@pytest.mark.parametrize("way", ["one line", "no line"])
def test_a_task_belongs_to_the_request_that_sent_it(serve, run, checkout, tmp_path, sink, way):
    broker = tmp_path / "broker"
    broker.mkdir()
    paths = {"PYTHONPATH": f"{HERE}:{checkout}", "BROKER": str(broker)}
    port = free_port()
    more = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint, "FACEFUSION_METRICS_LISTEN": f"127.0.0.1:{port}"}
    folder = str(tmp_path / "shared")
    command = CELERY if way == "one line" else (*OBSERVE, *CELERY)
    service = serve(*command, port=port, INSTRUMENT="1", PROMETHEUS_MULTIPROC_DIR=folder, **more, **paths)
    sent = run(PYTHON, "-c", SEND.format(traceparent=TRACEPARENT), **paths)
    assert sent.output == "0\ncrashed\n", sent.errors + service.log.read_text()
    sink.wait(lambda: len(sink.spans()) >= 6)
    spans = {span.name: span for span in sink.spans()}
    task = spans["task apps.tasks.swap"]
    assert task.trace_id.hex() == TRACEPARENT.split("-")[1]
    assert task.parent_span_id.hex() == TRACEPARENT.split("-")[2]
    assert spans["facefusion.run"].parent_span_id == task.span_id
    assert spans["task apps.tasks.crash"].status.code == 2
    page = service.page()
    assert page.value("facefusion_inside_steps_total", exit_code="0", outcome="completed") == 1
    name = "facefusion_inside_exceptions_total"
    assert page.value(name, exception_type="RuntimeError", reason="gpu") == 1


def test_a_plain_worker_has_a_page_of_its_own(serve, checkout):
    (checkout / "worker.py").write_text(
        "import time\n"
        "from facefusion_observability import instrument\n"
        "instrument()\n"
        "from facefusion import core, state_manager\n"
        "state_manager.set_item('target_path', 'clip.mp4')\n"
        "while True:\n"
        "    core.conditional_process()\n"
        "    print('worked', flush=True)\n"
        "    time.sleep(0.2)\n"
    )
    port = free_port()
    service = serve(PYTHON, "worker.py", port=port, FACEFUSION_METRICS_LISTEN=str(port))
    service.eventually(
        lambda page: (
            (page.value("facefusion_inside_steps_total", exit_code="0", outcome="completed") or 0) > 2
        )
    )
    assert service.get("/elsewhere").status == 404
    # A second worker finds the address taken, and works.
    second = subprocess.Popen(
        [PYTHON, "worker.py"],
        cwd=checkout,
        env=environment(FACEFUSION_METRICS_LISTEN=str(port)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    limit = threading.Timer(60, second.kill)
    limit.start()
    worked = [second.stdout.readline() for _ in range(2)]
    limit.cancel()
    alive = second.poll() is None
    second.kill()
    errors = second.communicate()[1]
    assert worked == ["worked\n"] * 2, errors
    assert alive
    assert "Traceback" not in errors


def test_a_fork_in_the_middle_of_everything(run, checkout):
    """A child that is forked while threads change values and write pages changes values, too."""
    (checkout / "forks.py").write_text(
        "import os, sys, threading\n"
        "sys.path.insert(0, os.getcwd())\n"
        "from facefusion_observability import instrument, page\n"
        "from facefusion_observability.metrics import families\n"
        "instrument()\n"
        "done = threading.Event()\n"
        "def change():\n"
        "    while not done.is_set():\n"
        "        families().request('GET', '/x', 200, 0.1, '')\n"
        "def read():\n"
        "    while not done.is_set():\n"
        "        page.metrics('')\n"
        "threads = [threading.Thread(target=t) for t in (change, change, read)]\n"
        "[t.start() for t in threads]\n"
        "for _ in range(100):\n"
        "    pid = os.fork()\n"
        "    if not pid:\n"
        "        families().request('GET', '/x', 200, 0.1, '')\n"
        "        os._exit(0 if page.metrics('').status == 200 else 1)\n"
        "    assert os.waitpid(pid, 0)[1] == 0\n"
        "done.set()\n"
        "[t.join() for t in threads]\n"
        "print('done')\n"
    )
    for folder in ("", "shared"):
        more = {"PROMETHEUS_MULTIPROC_DIR": folder} if folder else {}
        result = run(PYTHON, "-W", "ignore", "forks.py", timeout=90, **more)
        assert result.output == "done\n", result.errors
    assert os.listdir(checkout / "shared")
