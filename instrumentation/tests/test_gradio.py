"""The layout on real Gradios, of the versions that FaceFusion pins: `make e2e-python` installs them.

Each runs in the Python of GRADIO_PYTHON, with a folder of GRADIO_FOLDERS on PYTHONPATH.
"""

import json
import os
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest

from conftest import HERE, Service, attributes, end, environment, free_port

pytestmark = pytest.mark.gradio

# FaceFusion's version, and the folders with the Gradio that it pins.
VERSIONS = {"3.1": ("gradio-5.9.1", "gradio"), "3.4": ("gradio-5.42.0", "gradio"), "3.8": ("gradio",)}
RUN = ["facefusion.py", "run", "--ui-layouts"]


@pytest.fixture(params=list(VERSIONS))
def start(request, serve, checkout):
    """Start FaceFusion's UI."""
    python = os.environ["GRADIO_PYTHON"]
    folders = [Path(os.environ["GRADIO_FOLDERS"]) / name for name in VERSIONS[request.param]]
    assert all(folder.is_dir() for folder in folders)
    package = os.environ.get("GRADIO_PACKAGE", str(HERE.parent / "src"))
    paths = os.pathsep.join([package, *map(str, folders)])
    source = Path(package) / "facefusion_observability" / "layouts" / "observed.py"
    (checkout / "facefusion" / "uis" / "layouts" / "observed.py").write_text(source.read_text())

    def call(*layouts, path="/healthz", command=(), **extra):
        port = free_port()
        words = (*command, python, *RUN, *(layouts or ("observed",)))
        return serve(*words, port=port, path=path, GRADIO_SERVER_PORT=str(port), PYTHONPATH=paths, **extra)

    return call


def click(service, function, *data):
    """Call a function of the UI as Gradio's own client does, and return its last event."""
    body = json.dumps({"data": list(data)}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{service.port}/gradio_api/call/{function}",
        data=body,
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        event = json.load(response)["event_id"]
    url = f"http://127.0.0.1:{service.port}/gradio_api/call/{function}/{event}"
    with urllib.request.urlopen(url, timeout=60) as stream:
        lines = stream.read().decode().split("\n")
    return [line for line in lines if line.startswith("event: ")][-1]


def press(service, name):
    """Post an event as an open tab does."""
    config = json.loads(service.get("/config").text)
    (number,) = (d["id"] for d in config["dependencies"] if d["api_name"] == name)
    body = json.dumps({"data": [], "fn_index": number, "session_hash": "abcdefg"}).encode()
    return service.get("/gradio_api/queue/join?__theme=light", body, Content_Type="application/json")


def test_the_layout(start, sink, checkout):
    service = start(OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint)

    # The pages are on FaceFusion's own port.
    assert click(service, "run", "clip.mp4") == "event: complete"
    page = service.page()
    assert page.value("facefusion_inside_steps_total", exit_code="0", outcome="completed") == 1
    assert page.value("facefusion_inside_frames_total", phase="processing") == 20
    assert page.value("facefusion_active_tasks") == 0
    call = {"method": "POST", "handler": "/gradio_api/call/{api_name}"}
    assert page.value("http_requests_total", status="2xx", **call) == 1
    assert page.value("http_request_duration_seconds_count", **call) == 1
    assert json.loads(service.get("/readyz").text) == {"ready": True}
    assert '"/metrics"' not in service.get("/openapi.json").text
    assert "FaceFusion 3.8.1" in service.get("/").text

    # A click is a trace that the receiver joins: the job's id names it.
    sink.wait(lambda: any(span.name == "facefusion.run" for span in sink.spans()))
    spans = {span.name: span for span in sink.spans()}
    run = spans["facefusion.run"]
    (job,) = (checkout / ".jobs" / "completed").iterdir()
    assert f"00-{run.trace_id.hex()}-{run.span_id.hex()}" in job.name
    assert job.name.startswith("ui-")
    assert attributes(run)["facefusion.outcome"] == "completed"
    # No span is made of what Gradio sends and receives, nor of probes.
    assert not [name for name in spans if "receive" in name or "healthz" in name or "heartbeat" in name]

    # The polls of an open tab are left out.
    join = {"method": "POST", "handler": "/gradio_api/queue/join", "status": "2xx"}
    for _ in range(3):
        assert press(service, "read_logs").status == 200
    assert service.page().value("http_requests_total", **join) is None
    assert press(service, "run").status == 200
    service.eventually(lambda page: page.value("http_requests_total", **join) == 1)

    # An exception in the handler is counted, and the server lives.
    assert click(service, "run", "raise.mp4") == "event: error"
    name = "facefusion_inside_exceptions_total"
    service.eventually(lambda page: page.value(name, exception_type="RuntimeError", reason="gpu") == 1)


def test_without_a_layout(start):
    """`facefusion-observe python facefusion.py run`."""
    python = os.environ["GRADIO_PYTHON"]
    service = start("default", command=(python, "-m", "facefusion_observability"))
    assert click(service, "run", "clip.mp4") == "event: complete"
    page = service.page()
    assert page.value("facefusion_inside_steps_total", exit_code="0", outcome="completed") == 1
    assert page.value("facefusion_inside_frames_total", phase="processing") == 20
    call = {"method": "POST", "handler": "/gradio_api/call/{api_name}", "status": "2xx"}
    assert page.value("http_requests_total", **call) == 1


@pytest.mark.parametrize("start", ["3.8"], indirect=True)
def test_beside_other_layouts(start):
    """The default layout's modules have taken what they call before this one is imported."""
    service = start("default", "observed")
    assert click(service, "run", "clip.mp4") == "event: complete"
    page = service.page()
    assert page.value("facefusion_inside_steps_total", exit_code="0", outcome="completed") == 1
    assert page.value("facefusion_inside_frames_total", phase="processing") == 20


@pytest.mark.parametrize("start", ["3.8"], indirect=True)
def test_switched_off_it_is_the_default_layout(start):
    service = start(path="/config", FACEFUSION_METRICS="0")
    assert click(service, "run", "clip.mp4") == "event: complete"
    assert service.get("/metrics").status == 404


OVERLAY = """
receivers:
  otlp/inside: {{protocols: {{http: {{endpoint: 127.0.0.1:{otlp}}}}}}}
exporters:
  prometheus: {{endpoint: 127.0.0.1:{agent}}}
  prometheus/inside: {{endpoint: 127.0.0.1:{inside}}}
extensions:
  health_check: {{endpoint: 127.0.0.1:{health}}}
service:
  telemetry: {{metrics: {{level: none}}}}
"""


@pytest.mark.parametrize("start", ["3.8"], indirect=True)
def test_both_sides_are_one_trace(start, sink, tmp_path):
    """The built collector, which sees FaceFusion from outside, takes what comes from inside as well."""
    collector = Path(os.environ["COLLECTOR"])
    root = HERE.parent.parent
    ports = {name: free_port() for name in ("otlp", "agent", "inside", "health")}
    (tmp_path / "overlay.yaml").write_text(OVERLAY.format(**ports))
    files = [root / "config" / f"{name}.yaml" for name in ("agent", "all-signals", "in-process")]
    options = [word for file in (*files, tmp_path / "overlay.yaml") for word in ("--config", str(file))]
    (tmp_path / "state").mkdir()
    with (tmp_path / "collector.log").open("w") as log:
        process = subprocess.Popen(
            [collector, *options],
            env=environment(OTLP_ENDPOINT=sink.endpoint, STATE_DIRECTORY=str(tmp_path / "state")),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        service = start(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{ports['otlp']}")
        agent = Service(service.process, ports["agent"], tmp_path / "collector.log")
        # Other FaceFusions may run on the machine: this one is known by its port.
        own = f'server_port="{service.port}"'
        agent.eventually(lambda page: page.lines("facefusion_server_up", own), seconds=60)
        assert click(service, "run", "clip.mp4") == "event: complete"

        # One trace: the click's run from inside, and in it the agent's run of the job.
        def runs_and_jobs():
            runs = [span for span in sink.spans() if span.name == "facefusion.run"]
            jobs = [span for span in sink.spans() if span.name == "facefusion.job"]
            return [(run, job) for run in runs for job in jobs if job.trace_id == run.trace_id]

        sink.wait(runs_and_jobs, seconds=60)
        ((run, job),) = runs_and_jobs()
        assert job.parent_span_id == run.span_id

        # Two pages: nothing of the inside is on the agent's, and nothing of the agent's on the inside's.
        inside = Service(service.process, ports["inside"], tmp_path / "collector.log")
        page = inside.eventually(lambda page: "http_requests_total" in page.names(), seconds=40)
        assert "facefusion_inside_frames_total" in page.names()
        assert not {"facefusion_process_up", "facefusion_job_count"} & page.names()
        names = agent.page().names()
        assert not {name for name in names if name.startswith(("facefusion_inside", "http_requests"))}
        assert "facefusion_active_tasks" in names

        # The agent knows that the same instance is observed from inside.
        (up,) = agent.page().lines("facefusion_server_up", own)
        instance = re.search(r'service_instance_id="[^"]+"', up)[0]
        agent.eventually(
            lambda page: page.lines("facefusion_instance_info", instance, 'facefusion_inside="true"'),
            seconds=60,
        )
    finally:
        end(process)
