"""What goes wrong around the package, and reaches nobody."""

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from conftest import HERE, PYTHON, attributes, free_port

HEADLESS = (PYTHON, "facefusion.py", "headless-run")
OBSERVE = (PYTHON, "-m", "facefusion_observability")
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def bars_left_out(text):
    return [
        line for line in text.replace("\r", "\n").splitlines() if not line.startswith(("analys", "process"))
    ]


def test_a_headless_run_says_nothing_of_ours_at_its_end(run, sink):
    plain = run(*HEADLESS)
    observed = run(*OBSERVE, *HEADLESS, OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint)
    assert (observed.code, bars_left_out(observed.errors)) == (0, bars_left_out(plain.errors))
    assert "RuntimeError" not in observed.errors
    assert {"facefusion.run", "facefusion.run.step"} <= {span.name for span in sink.spans()}
    assert len(sink.logs()) == 2


@pytest.mark.parametrize(
    ("target", "code", "outcome"),
    [("fail.mp4", 1, "failed"), ("exit.mp4", 0, "stopped"), ("noload.mp4", 1, "failed")],
)
def test_ends_of_all_kinds_are_sent(run, sink, target, code, outcome):
    """noload ends by os._exit, which runs no handler of anybody's."""
    result = run(*OBSERVE, *HEADLESS, "-t", target, OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint)
    assert result.code == code
    (step,) = (span for span in sink.spans() if span.name == "facefusion.run.step")
    assert attributes(step)["facefusion.outcome"] == outcome


def test_a_run_belongs_to_the_request_of_its_environment(run, sink, checkout):
    run(
        *OBSERVE,
        *HEADLESS,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint,
        TRACEPARENT=TRACEPARENT,
        FACEFUSION_REQUEST_ID="mine-7",
    )
    spans = {span.name: span for span in sink.spans()}
    assert spans["facefusion.run"].trace_id.hex() == TRACEPARENT.split("-")[1]
    assert spans["facefusion.run"].parent_span_id.hex() == TRACEPARENT.split("-")[2]
    assert attributes(sink.logs()[0])["facefusion.request.id"] == "mine-7"
    (job,) = (checkout / ".jobs" / "completed").iterdir()
    assert TRACEPARENT.split("-")[1] in job.name


def test_a_collector_that_is_away(run):
    """Nobody listens, and somebody listens and never answers."""
    silent = socket.create_server(("127.0.0.1", 0))
    for port in (free_port(), silent.getsockname()[1]):
        endpoint = f"http://127.0.0.1:{port}"
        result = run(*OBSERVE, *HEADLESS, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
        assert result.code == 0
        assert "observability" not in result.errors
        assert "opentelemetry" not in result.errors.lower()
        assert "Traceback" not in result.errors
        assert result.seconds < 15
    silent.close()


def test_conda_starts_python_once_more(run, sink):
    result = run(*OBSERVE, *HEADLESS, OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint, CONDA_PREFIX="/opt/conda")
    assert result.code == 0
    assert [span.name for span in sink.spans()].count("facefusion.run") == 1


def test_names_of_files_stay_short_enough(run, checkout, sink):
    """FaceFusion puts the job's id into a file name, which may have 255 bytes."""
    name = "x" * 180 + ".mp4"
    run(*OBSERVE, *HEADLESS, "-o", name, OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint)
    (job,) = (checkout / ".jobs" / "completed").iterdir()
    assert len(job.stem) == len("headless-2026-11-22-16-16-56")


def test_a_proxy_of_the_environment_is_not_asked(run, sink):
    result = run(
        *OBSERVE,
        *HEADLESS,
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.endpoint,
        no_proxy="",
        http_proxy=f"http://127.0.0.1:{free_port()}",
    )
    assert result.code == 0
    assert sink.spans()


def test_another_sitecustomize_is_run_as_well(run, checkout, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "sitecustomize.py").write_text("import sys\nprint('other', file=sys.stderr)\n")
    result = run(
        *OBSERVE,
        PYTHON,
        "-c",
        "import sys; print('facefusion_observability.hooks' in sys.modules)",
        PYTHONPATH=str(tmp_path / "other"),
    )
    assert result.output == "True\n"
    assert "other" in result.errors


def test_a_python_without_the_package_or_what_it_needs(run):
    """`facefusion-observe` starts another Python, in which nothing is installed."""
    result = run(*OBSERVE, PYTHON, "-S", "-c", "import sitecustomize; print('works')")
    assert result.output == "works\n"
    assert result.errors == ""


def test_the_switch_in_the_environment(run):
    """The .pth file of the wheel: FACEFUSION_METRICS=1 is all that it takes."""
    code = "import sys; print('facefusion_observability.hooks' in sys.modules)"
    for value, begun in (("1", "True\n"), ("0", "False\n"), ("", "False\n")):
        assert run(PYTHON, "-c", code, FACEFUSION_METRICS=value).output == begun


def test_the_program_ends_as_it_would(run):
    for code in ("raise SystemExit(7)", "import os; os._exit(7)"):
        assert run(*OBSERVE, PYTHON, "-c", code).code == 7
    assert run(*OBSERVE, "no-such-program").code == 127
    assert run(*OBSERVE).code == 2


def test_the_shared_folder_is_removed(run):
    code = "import os; print(os.environ['PROMETHEUS_MULTIPROC_DIR'])"
    folder = run(*OBSERVE, PYTHON, "-c", code).output.strip()
    assert folder
    assert not Path(folder).exists()


def test_the_layout_is_dropped_in(run, checkout, tmp_path):
    result = run(*OBSERVE, "--layout", str(checkout))
    assert result.code == 0
    assert (checkout / "facefusion" / "uis" / "layouts" / "observed.py").is_file()
    result = run(*OBSERVE, "--layout", str(tmp_path))
    assert result.code == 1
    assert "no FaceFusion 3" in result.errors


@pytest.mark.parametrize("kind", ["tmpfs", "overlay"])
@pytest.mark.parametrize("full", ["before", "later"])
def test_a_full_disk(tmp_path, checkout, full, kind):
    """A write to a mapped file on a full disk is a SIGBUS: each page is taken before it is used. What a
    container writes to is an overlay, which takes its room of another filesystem. It fails where it is not
    root: both are mounted."""
    program = tmp_path / "program.py"
    program.write_text(
        "import os, sys\n"
        "sys.path.insert(0, os.getcwd())\n"
        "from facefusion_observability import instrument, page\n"
        "def fill():\n"
        "    file = os.open(sys.argv[1] + '/filler', os.O_WRONLY | os.O_CREAT)\n"
        "    try:\n"
        "        while True: os.write(file, b'x' * 4096)\n"
        "    except OSError: pass\n"
        "if sys.argv[2] == 'before': fill()\n"
        "instrument()\n"
        "if sys.argv[2] == 'later': fill()\n"
        "from facefusion_observability.metrics import families\n"
        "from facefusion import core, state_manager\n"
        "state_manager.set_item('target_path', 'clip.mp4')\n"
        "for number in range(200): families().request('GET', f'/route/{number}', 200, 0.1, '')\n"
        "print(core.conditional_process(), page.metrics('').status)\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        "    print(core.conditional_process(), flush=True); os._exit(0)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
    )
    mounted = tmp_path / "small"
    mounted.mkdir()
    mount = f"mount -t tmpfs -o size=2m none {mounted} && "
    if kind == "overlay":
        mount += (
            f"cd {mounted} && mkdir upper work lower seen && mount -t overlay "
            f"-o lowerdir=lower,upperdir=upper,workdir=work none seen && cd {checkout} && "
        )
        mounted = mounted / "seen"
    script = f"{mount}PROMETHEUS_MULTIPROC_DIR={mounted}/shared {sys.executable} {program} {mounted} {full}"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", "200", "0"], done.stderr


def test_one_thousand_routes_are_a_hundred(inside):
    page = inside(
        "from facefusion_observability.metrics import families\n"
        "for number in range(1000):\n"
        "    families().request('GET', f'/route/{number}', 200, 0.1, '')\n"
        "    families().request('M' + str(number), '/', 200, 0.1, '')\n"
        "    from facefusion_observability.metrics import changing\n"
        "    with changing() as metrics:\n"
        "        metrics.model_load.labels(metrics.model(f'm{number}')).observe(1)\n"
    )
    assert len(page.text.splitlines()) < 4500
    assert page.value("http_requests_total", method="other", handler="/", status="2xx") == 1000


def test_threads_that_outlive_the_interpreter(run, checkout):
    """Daemon threads of FaceFusion's own go on counting while the interpreter shuts down."""
    (checkout / "late.py").write_text(
        "import os, sys, threading\n"
        "from facefusion_observability import instrument, page\n"
        "instrument()\n"
        "from facefusion_observability.metrics import families\n"
        "def work():\n"
        "    while True: families().request('GET', '/x', 200, 0.1, ''); page.metrics('')\n"
        "threading.Thread(target=work, daemon=True).start()\n"
        "import time; time.sleep(0.3)\n"
    )
    for _ in range(3):
        result = run(PYTHON, "late.py", OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}")
        assert (result.code, result.errors) == (0, "")


def test_tests_leave_no_thread():
    assert [t.name for t in threading.enumerate() if "facefusion" in t.name] == []
    assert HERE.is_dir()
