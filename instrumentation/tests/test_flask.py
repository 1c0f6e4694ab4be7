"""A real Flask, served by a real gunicorn that forks."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import HERE, PYTHON

GUNICORN = (PYTHON, "-m", "gunicorn", "-b", "127.0.0.1:PORT", "--log-level", "warning")
OBSERVE = (PYTHON, "-m", "facefusion_observability")
REQUESTS = "http_requests_total"


@pytest.fixture
def paths(checkout):
    return {"PYTHONPATH": f"{HERE}:{checkout}"}


@pytest.fixture(params=["one line", "no line", "no line, loaded before the fork"])
def service(request, serve, paths):
    """A service of one worker. --preload makes the application, and our threads, before the fork."""
    if request.param == "one line":
        return serve(*GUNICORN, "apps.flasky:app", **paths)
    preload = ("--preload",) if "fork" in request.param else ()
    return serve(*OBSERVE, *GUNICORN, *preload, "apps.flasky:app", BARE="1", **paths)


def test_requests_by_template(service):
    for user in ("jane", "john"):
        assert json.loads(service.get(f"/swap/{user}", b"").text) == {"code": 0}
    assert service.get("/raise").status == 500
    assert service.get("/wp-login.php").status == 404
    assert service.get("/stream").text == "xxx"
    page = service.page()
    swap = {"method": "POST", "handler": "/swap/<user_id>"}
    assert page.value(REQUESTS, status="2xx", **swap) == 2
    assert page.value("http_request_duration_seconds_count", **swap) == 2
    assert page.value(REQUESTS, method="GET", handler="/raise", status="5xx") == 1
    assert page.value(REQUESTS, method="GET", handler="other", status="4xx") == 1
    assert page.value(REQUESTS, method="GET", handler="/stream", status="2xx") == 1
    assert page.value("facefusion_inside_frames_total", phase="processing") == 40
    assert "jane" not in page.text


def test_the_program_s_own_page_stays(service):
    assert service.get("/readyz").text == "mine"
    assert service.get("/healthz").text == "ok\n"


def test_the_agent_is_told_where_it_asks(service):
    assert service.get("/capabilities").headers["x-facefusion-inside"] == "1"
    assert "x-facefusion-inside" not in service.get("/pid").headers


def test_a_request_has_an_id(service):
    assert service.get("/pid", X_Request_ID="mine-7").headers["x-request-id"] == "mine-7"
    assert re.fullmatch("[0-9a-f]{32}", service.get("/pid").headers["x-request-id"])


def test_the_gauges_are_read_in_a_forked_worker(service):
    service.get("/pid")
    page = service.eventually(lambda page: (page.value("system_cpu_percent") or 0) > 0)
    assert page.value("system_cpu_percent") <= 100


@pytest.mark.parametrize("options", [(), ("--preload",), ("--worker-class", "gthread", "--threads", "4")])
def test_several_workers_are_one_page(serve, paths, options):
    service = serve(*OBSERVE, *GUNICORN, "-w", "3", *options, "apps.flasky:app", BARE="1", **paths)
    with ThreadPoolExecutor(6) as clients:
        answers = list(clients.map(lambda _: service.get("/pid").text, range(60)))
    pids = {json.loads(answer)["pid"] for answer in answers}
    assert len(pids) > 1
    series = {"method": "GET", "handler": "/pid", "status": "2xx"}
    for _ in range(5):
        assert service.page().value(REQUESTS, **series) == 60


def test_what_a_worker_has_counted_outlives_it(serve, paths):
    options = ("-w", "2", "--max-requests", "7")
    service = serve(*OBSERVE, *GUNICORN, *options, "apps.flasky:app", BARE="1", **paths)
    for _ in range(60):
        service.get("/pid")
    series = {"method": "GET", "handler": "/pid", "status": "2xx"}
    assert service.page().value(REQUESTS, **series) == 60


def test_fastapi_behind_gunicorn(serve, paths):
    service = serve(
        *OBSERVE,
        *GUNICORN,
        "-w",
        "2",
        "-k",
        "uvicorn_worker.UvicornWorker",
        "apps.fast:app",
        BARE="1",
        **paths,
    )
    for _ in range(20):
        assert service.get("/v1/id").status == 200
    assert service.page().value(REQUESTS, method="GET", handler="/v1/id", status="2xx") == 20
