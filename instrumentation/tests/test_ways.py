"""Ways in that the documents show: what deploy/ has is what is tested."""

import base64
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from conftest import HERE, PYTHON, end, free_port

ROOT = HERE.parent.parent
UVICORN = (PYTHON, "-m", "uvicorn", "--port", "PORT", "--log-level", "warning", "apps.fast:app")


def test_a_folder_on_pythonpath_as_from_an_init_container(run, serve, checkout, tmp_path):
    """deploy/kubernetes/inside.yaml: nothing is installed in the Python that runs the service."""
    manifest = (ROOT / "deploy" / "kubernetes" / "inside.yaml").read_text()
    found = re.search(r"value: (/observability/\S+)", manifest)[1]
    # What `pip install --target` makes, without asking a registry for what is here already.
    folder = tmp_path / "observability"
    packages = Path(sysconfig.get_path("purelib"))
    shutil.copytree(packages / "facefusion_observability", folder / "facefusion_observability")
    paths = found.replace("/observability", str(folder), 1).replace(":/observability", f":{folder}")
    service = serve(*UVICORN, FACEFUSION_METRICS="1", BARE="1", PYTHONPATH=f"{paths}:{HERE}:{checkout}")
    assert service.get("/v1/swap/jane", b"").status == 200
    page = service.page()
    assert page.value("facefusion_inside_frames_total", phase="processing") == 20


def test_one_variable_where_the_wheel_is_installed(serve, checkout):
    """The line in a Dockerfile: `pip install` the wheel, and ENV FACEFUSION_METRICS=1."""
    service = serve(*UVICORN, FACEFUSION_METRICS="1", BARE="1", PYTHONPATH=f"{HERE}:{checkout}")
    assert service.get("/v1/swap/jane", b"").status == 200
    assert service.page().value("facefusion_inside_frames_total", phase="processing") == 20


@pytest.fixture
def nginx(tmp_path):
    """The nginx of deploy/nginx before a service."""
    started = []

    def call(port):
        own = free_port()
        (tmp_path / "htpasswd").write_text("prometheus:{PLAIN}secret\n")
        text = (ROOT / "deploy" / "nginx" / "facefusion.conf").read_text()
        text = text.replace("listen 8080", f"listen 127.0.0.1:{own}")
        text = text.replace("127.0.0.1:7860", f"127.0.0.1:{port}")
        text = text.replace("/etc/nginx/facefusion.htpasswd", str(tmp_path / "htpasswd"))
        (tmp_path / "facefusion.conf").write_text(text)
        (tmp_path / "nginx.conf").write_text(
            f"pid {tmp_path}/nginx.pid; error_log {tmp_path}/error.log; daemon off; user root;\n"
            f"events {{}} http {{ access_log off; include {tmp_path}/facefusion.conf; }}\n"
        )
        command = ("nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"))
        started.append(subprocess.Popen(command, start_new_session=True, text=True))
        return own

    yield call
    for process in started:
        end(process)


def test_nginx_asks_for_a_password_before_the_page(serve, checkout, nginx):
    service = serve(*UVICORN, PYTHONPATH=f"{HERE}:{checkout}")
    port, service.port = service.port, nginx(service.port)

    def answers():
        try:
            return service.get("/v1/id").status == 200
        except OSError:
            return False

    import time

    deadline = time.monotonic() + 20
    while not answers():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert service.get("/metrics").status == 401
    password = "Basic " + base64.b64encode(b"prometheus:secret").decode()
    answer = service.get("/metrics", Authorization=password)
    assert answer.status == 200
    assert "http_requests_total" in answer.text
    assert service.get("/healthz").status == 404
    assert len(service.get("/v1/id").headers["x-request-id"]) == 32
    service.port = port
    assert service.get("/healthz").status == 200
