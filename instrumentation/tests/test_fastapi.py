"""A real FastAPI, served by a real uvicorn."""

import json
import re
import threading
import time

import pytest

from conftest import HERE, PYTHON, attributes

UVICORN = (PYTHON, "-m", "uvicorn", "--port", "PORT", "--log-level", "warning", "apps.fast:app")
OBSERVE = (PYTHON, "-m", "facefusion_observability")
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
REQUESTS = "http_requests_total"


@pytest.fixture
def paths(checkout):
    return {"PYTHONPATH": f"{HERE}:{checkout}"}


@pytest.fixture(params=["one line", "no line"])
def service(request, serve, paths):
    """By `instrument(app)`, and by `facefusion-observe` without a line."""
    if request.param == "one line":
        return serve(*UVICORN, **paths)
    return serve(*OBSERVE, *UVICORN, BARE="1", **paths)


def test_requests_by_template(service):
    for user in ("jane", "john"):
        assert service.get(f"/v1/swap/{user}", b"").status == 200
    assert service.get("/v1/swap/jane?target=fail.mp4", b"").status == 500
    assert service.get("/v1/nothing/of/the/kind").status == 404
    assert service.get("/wp-login.php").status == 404
    assert service.get("/sub/item/7").status == 200
    page = service.page()
    swap = {"method": "POST", "handler": "/v1/swap/{user_id}"}
    assert page.value(REQUESTS, status="2xx", **swap) == 2
    assert page.value(REQUESTS, status="5xx", **swap) == 1
    assert page.value("http_request_duration_seconds_count", **swap) == 3
    assert page.value(REQUESTS, method="GET", handler="other", status="4xx") == 2
    assert page.value(REQUESTS, method="GET", handler="/sub/item/{number}", status="2xx") == 1
    assert page.value("facefusion_inside_steps_total", exit_code="0", outcome="completed") == 2
    assert page.value("facefusion_inside_frames_total", phase="processing") == 40
    assert page.value("facefusion_active_tasks") == 0
    assert "jane" not in page.text
    assert "wp-login" not in page.text


def test_what_is_left_out(service):
    for path in ("/health/live", "/healthz", "/readyz", "/metrics", "/admin/users/jane", "/favicon.ico"):
        service.get(path)
    assert REQUESTS not in service.page().names()
    assert "/metrics" not in service.get("/openapi.json").text
    assert "/healthz" not in service.get("/openapi.json").text


def test_the_agent_is_told_where_it_asks(service):
    for path in ("/startup-events", "/gradio_api/startup-events", "/capabilities"):
        assert service.get(path).headers["x-facefusion-inside"] == "1"
    assert "x-facefusion-inside" not in service.get("/admin/users/jane").headers
    assert REQUESTS not in service.page().names()
    assert "x-facefusion-inside" not in service.get("/v1/nothing").headers


def test_an_exception_stays_what_it_is(service):
    answer = service.get("/v1/raise")
    assert answer.status == 500
    assert answer.text == "Internal Server Error"
    page = service.page()
    assert page.value(REQUESTS, method="GET", handler="/v1/raise", status="5xx") == 1
    name = "facefusion_inside_exceptions_total"
    assert page.value(name, exception_type="ValueError", reason="other") == 1
    assert "ValueError: at /data/people/jane.png" in service.log.read_text()


def test_a_request_has_an_id(service):
    given = service.get("/v1/id", X_Request_ID="mine-7", traceparent=TRACEPARENT)
    assert given.headers["x-request-id"] == "mine-7"
    said = json.loads(given.text)
    assert said["request_id"] == "mine-7"
    assert said["job_id"].endswith(TRACEPARENT)
    made = service.get("/v1/id")
    assert made.headers["x-request-id"] == json.loads(made.text)["request_id"]
    hostile = service.get("/v1/id", X_Request_ID="x" * 500)
    assert re.fullmatch("[0-9a-f]{32}", hostile.headers["x-request-id"])
    assert "mine-7" not in service.page().text


def test_a_stream_is_one_request(service):
    assert service.get("/v1/stream").text == "xxx"
    page = service.page()
    series = {"method": "GET", "handler": "/v1/stream"}
    assert page.value(REQUESTS, status="2xx", **series) == 1
    assert page.value("http_request_duration_seconds_sum", **series) > 0.1


def test_a_child_belongs_to_the_request_that_started_it(service, checkout):
    for path in ("/v1/child", "/v1/plain-child", "/v1/background", "/v1/executor"):
        trace = TRACEPARENT.replace("4bf9", f"{len(path):04x}")
        assert service.get(path, b"", traceparent=trace).status == 200
        # What runs in the background does so after the answer.
        deadline = time.monotonic() + 20
        while not any(trace in job.name for job in (checkout / ".jobs").glob("completed/*")):
            assert time.monotonic() < deadline, path
            time.sleep(0.05)


def test_the_page_answers_while_each_thread_is_taken(service):
    blocked = [threading.Thread(target=service.get, args=("/v1/block", None, 90)) for _ in range(45)]
    for thread in blocked:
        thread.start()
    try:
        deadline = time.monotonic() + 30
        while (answer := service.get("/readyz")).status != 503:
            assert time.monotonic() < deadline
        assert json.loads(answer.text)["reason"] == "saturated"
        assert service.get("/healthz").status == 200
        assert service.get("/metrics").status == 200
    finally:
        service.get("/v1/release")
        for thread in blocked:
            thread.join()


def test_switched_off_it_is_the_service_that_it_was(serve, paths):
    for service in (
        serve(*UVICORN, path="/ping-me", FACEFUSION_METRICS="0", **paths),
        serve(*OBSERVE, *UVICORN, path="/ping-me", FACEFUSION_METRICS="0", BARE="1", **paths),
    ):
        assert service.get("/metrics").status == 404
        answer = service.get("/v1/id", X_Request_ID="mine-7")
        assert "x-request-id" not in answer.headers
        assert service.get("/v1/swap/jane", b"").status == 200
        assert not any(
            "observability" in name for name in json.loads(service.get("/ping-me").text)["threads"]
        )


def test_switched_off_it_tells_the_agent_nothing(serve, paths):
    service = serve(*UVICORN, path="/v1/nothing", FACEFUSION_METRICS="0", **paths)
    assert "x-facefusion-inside" not in service.get("/startup-events").headers


def test_a_password_and_openmetrics(serve, paths):
    service = serve(*UVICORN, FACEFUSION_METRICS_PASSWORD="secret", **paths)
    assert service.get("/metrics").status == 401
    answer = service.get(
        "/metrics",
        Authorization="Basic cHJvbWV0aGV1czpzZWNyZXQ=",
        Accept="application/openmetrics-text; version=1.0.0",
    )
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_the_program_s_own_metrics_stay_its_own(serve, paths, checkout):
    (checkout / "own.py").write_text(
        "from prometheus_client import Counter, make_asgi_app\n"
        "own = Counter('http_requests', 'mine', ['code'])\n"
        "from apps.fast import app\n"
        "app.mount('/metrics', make_asgi_app())\n"
        "@app.get('/own')\n"
        "def get_own():\n"
        "    own.labels('200').inc()\n"
    )
    service = serve(*UVICORN[:-1], "own:app", path="/healthz", **paths)
    service.get("/own")
    service.get("/v1/id")
    page = service.get("/metrics/").text
    assert 'http_requests_total{code="200"} 1.0' in page
    assert 'handler="/v1/id"' in page.split("http_request_duration_seconds_bucket", 1)[1]
    assert "http_requests_total{handler=" not in page


@pytest.mark.parametrize("first", ["theirs", "ours"])
def test_beside_prometheus_fastapi_instrumentator(serve, paths, checkout, first):
    """Most services have it already. Names and labels are the same, and a request is counted once."""
    theirs = "Instrumentator().instrument(app).expose(app)\n"
    ours = "instrument(app)\n"
    (checkout / "own.py").write_text(
        "from prometheus_fastapi_instrumentator import Instrumentator\n"
        "from facefusion_observability import instrument\n"
        "from apps.fast import app\n" + (theirs + ours if first == "theirs" else ours + theirs)
    )
    service = serve(*UVICORN[:-1], "own:app", path="/healthz", BARE="1", **paths)
    for _ in range(3):
        assert service.get("/v1/id").status == 200
    page = service.page()
    series = {"method": "GET", "handler": "/v1/id"}
    assert page.value(REQUESTS, status="2xx", **series) == 3
    assert page.value("http_request_duration_seconds_count", **series) == 3
    assert service.get("/v1/swap/jane", b"").status == 200
    assert service.page().value("facefusion_inside_frames_total", phase="processing") == 20


def test_spans_of_a_request(serve, paths, sink, checkout):
    service = serve(*UVICORN, OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint, **paths)
    answer = service.get("/v1/swap/jane", b"", traceparent=TRACEPARENT, X_Request_ID="mine-7")
    assert answer.status == 200
    sink.wait(lambda: len(sink.spans()) >= 5)
    spans = {span.name: span for span in sink.spans()}
    names = {"POST /v1/swap/{user_id}", "facefusion.run", "facefusion.run.step"}
    assert set(spans) == names | {"facefusion.run.analysing", "facefusion.run.processing"}
    assert {span.trace_id.hex() for span in spans.values()} == {TRACEPARENT.split("-")[1]}
    request, run, step = (
        spans[name] for name in ("POST /v1/swap/{user_id}", "facefusion.run", "facefusion.run.step")
    )
    assert request.parent_span_id.hex() == TRACEPARENT.split("-")[2]
    assert run.parent_span_id == request.span_id
    assert step.parent_span_id == run.span_id
    assert spans["facefusion.run.processing"].parent_span_id == step.span_id
    assert attributes(request)["http.route"] == "/v1/swap/{user_id}"
    assert attributes(request)["facefusion.request.id"] == "mine-7"
    assert "jane" not in str(sink.requests)
    # The receiver's trace of the run becomes a child of the run's span: the job's id names it.
    (job,) = (checkout / ".jobs" / "completed").iterdir()
    assert f"{run.trace_id.hex()}-{run.span_id.hex()}" in job.name
    sink.wait(lambda: len(sink.logs()) >= 2)
    record = sink.logs()[0]
    assert record.trace_id == request.trace_id
    assert record.severity_text == "INFO"
    assert attributes(record)["facefusion.request.id"] == "mine-7"
    # From the panel of errors to the trace: the exemplar of the request's series names it.
    answer = service.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    (line,) = (
        line
        for line in answer.text.splitlines()
        if line.startswith('http_requests_total{handler="/v1/swap/{user_id}"')
    )
    assert TRACEPARENT.split("-")[1] in line


def test_a_failed_request_says_why(serve, paths, sink):
    service = serve(*UVICORN, OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint, **paths)
    assert service.get("/v1/swap/jane?target=raise.mp4", b"").status == 500
    assert service.get("/v1/raise").status == 500
    sink.wait(lambda: len(sink.spans()) >= 5)
    spans = {span.name: span for span in sink.spans()}
    step = spans["facefusion.run.step"]
    assert step.status.code == 2
    assert attributes(step)["error.type"] == "RuntimeError"
    assert attributes(step)["facefusion.reason"] == "gpu"
    assert spans["GET /v1/raise"].status.code == 2
    assert "people" not in str(sink.requests)


def test_metrics_by_otlp(serve, paths, sink):
    service = serve(*UVICORN, OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint, **paths)
    service.get("/v1/swap/jane", b"")
    sink.wait(lambda: "http_requests" in sink.metrics(), seconds=25)
    found = sink.metrics()
    (point,) = found["http_requests"].sum.data_points
    assert point.as_double == 1
    assert found["http_requests"].sum.is_monotonic
    (point,) = found["http_request_duration_seconds"].histogram.data_points
    assert point.count == 1
    assert sum(point.bucket_counts) == 1
    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
    assert found["facefusion_active_tasks"].gauge.data_points[0].as_double == 0
    # What others count in the same registry is theirs.
    assert not any(name.startswith(("python_", "process_")) for name in found)


def test_several_workers_are_one_page(serve, paths):
    service = serve(*OBSERVE, *UVICORN, "--workers", "2", BARE="1", **paths)
    for _ in range(30):
        service.get("/v1/id")
    series = {"method": "GET", "handler": "/v1/id", "status": "2xx"}
    for _ in range(5):
        assert service.page().value(REQUESTS, **series) == 30


def test_children_are_on_the_page_and_leave_no_files(serve, paths, tmp_path):
    folder = tmp_path / "shared"
    service = serve(*OBSERVE, *UVICORN, BARE="1", PROMETHEUS_MULTIPROC_DIR=str(folder), **paths)
    for _ in range(3):
        assert service.get("/v1/child", b"").status == 200
    page = service.page()
    assert page.value("facefusion_inside_steps_total", exit_code="0", outcome="completed") == 3
    assert page.value("facefusion_inside_frames_total", phase="processing") == 60
    assert page.value("facefusion_active_tasks") == 0
    owners = {file.stem.rsplit("_", 1)[1] for file in folder.glob("*.db")}
    assert owners == {str(service.process.pid), "gone"}
    service.page()
    assert service.page().value("facefusion_inside_frames_total", phase="processing") == 60
