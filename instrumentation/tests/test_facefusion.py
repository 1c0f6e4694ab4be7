"""FaceFusion's functions, called in process."""

import pytest

from conftest import PYTHON

STEP = """
from facefusion import core
state_manager.set_item("target_path", {target!r})
try:
    print("returned", core.conditional_process())
except BaseException as error:
    print("raised", type(error).__name__)
"""


@pytest.mark.parametrize(
    ("target", "said", "code", "outcome"),
    [
        ("clip.mp4", "returned 0", "0", "completed"),
        ("fail.mp4", "returned 1", "1", "failed"),
        ("decline.mp4", "returned 3", "3", "declined"),
        ("stop.mp4", "returned 4", "4", "stopped"),
        ("raise.mp4", "raised RuntimeError", "exception", "failed"),
        ("memory.mp4", "raised MemoryError", "exception", "failed"),
        ("exit.mp4", "raised SystemExit", "interrupted", "stopped"),
    ],
)
def test_steps_by_exit_code(inside, target, said, code, outcome):
    page = inside(STEP.format(target=target))
    assert said in page.output
    assert page.value("facefusion_inside_steps_total", exit_code=code, outcome=outcome) == 1
    assert page.value("facefusion_inside_step_duration_seconds_count", outcome=outcome) == 1
    assert page.value("facefusion_active_tasks") == 0
    assert page.value("facefusion_inside_content_declined_total") == (1 if code == "3" else 0)
    # Nothing of ours is on FaceFusion's stderr.
    assert "observability" not in page.errors


def test_exceptions_by_type_and_reason(inside):
    page = inside(STEP.format(target="raise.mp4") + STEP.format(target="memory.mp4"))
    name = "facefusion_inside_exceptions_total"
    assert page.value(name, exception_type="RuntimeError", reason="gpu") == 1
    assert page.value(name, exception_type="MemoryError", reason="out_of_memory") == 1


@pytest.mark.parametrize("level", ["info", "warn", "error"])
def test_frames_by_phase_also_where_no_bar_is_shown(inside, level):
    page = inside(STEP.format(target="clip.mp4"), LOG_LEVEL=level)
    assert page.value("facefusion_inside_frames_total", phase="analysing") == 20
    assert page.value("facefusion_inside_frames_total", phase="processing") == 20
    assert page.value("facefusion_inside_frames_total", phase="merging") == 0
    assert page.value("facefusion_inside_phase_duration_seconds_count", phase="processing") == 1


def test_bars_of_others_are_not_counted(inside):
    page = inside("from tqdm import tqdm\nfor _ in tqdm(range(7), desc='processing', unit='it'): pass")
    assert page.value("facefusion_inside_frames_total", phase="processing") is None


def test_models_by_name(inside):
    page = inside(STEP.format(target="clip.mp4"))
    name = "facefusion_inside_model_load_duration_seconds_count"
    assert page.value(name, model="inswapper_128") == 1
    assert page.value(name, model="deep_swapper") == 1
    assert "a_person" not in page.text


def test_the_state_of_the_process_manager(inside):
    page = inside("from facefusion import core, process_manager\nprocess_manager.check()")
    values = [
        page.value("facefusion_inside_process_state", state=state)
        for state in ("pending", "checking", "processing", "stopping")
    ]
    assert values == [0, 1, 0, 0]
    assert (
        page.value("facefusion_inside_info", facefusion_version="3.8.1", observability_version="0.1.0") == 1
    )


JOB = """
from facefusion import core
from facefusion.jobs import job_helper, job_manager, job_runner
job_manager.init_jobs(".jobs")
state_manager.set_item("target_path", {target!r})
job_id = "nightly"
job_manager.create_job(job_id)
job_manager.add_step(job_id, core.step_args())
job_manager.add_step(job_id, core.step_args())
job_manager.submit_job(job_id)
print("returned", job_runner.run_job(job_id, core.process_step))
"""


def test_a_step_is_counted_once_however_it_is_reached(inside):
    page = inside(JOB.format(target="clip.mp4"))
    assert "returned True" in page.output
    assert page.value("facefusion_inside_steps_total", exit_code="0", outcome="completed") == 2


def test_a_step_whose_checks_fail_is_counted(inside):
    page = inside(JOB.format(target="uncheckable.mp4"))
    assert "returned False" in page.output
    assert page.value("facefusion_inside_steps_total", exit_code="2", outcome="rejected") == 1
    assert page.value("facefusion_active_tasks") == 0


def test_everything_begins_with_zero(inside):
    page = inside("from facefusion import core")
    assert page.value("facefusion_inside_steps_total", exit_code="3", outcome="declined") == 0
    assert page.value("facefusion_active_tasks") == 0


def test_what_our_own_code_does_wrong_reaches_nobody(inside):
    page = inside(
        """
from facefusion_observability import tracing
from facefusion_observability.hooks import pipeline, progress
def broken(*args, **kwargs):
    raise ValueError("ours")
tracing.begin = pipeline.tracing.begin = broken
progress.phase_name = pipeline.model = broken
"""
        + JOB.format(target="clip.mp4")
    )
    assert "returned True" in page.output
    assert page.value("facefusion_inside_errors_total", where="step") > 0
    assert page.value("facefusion_inside_errors_total", where="phase") > 0


def test_the_package_does_not_import_facefusion_or_a_web_framework(run):
    result = run(
        PYTHON,
        "-c",
        "import sys, facefusion_observability as f; f.instrument();"
        "print([m for m in ('facefusion', 'fastapi', 'flask', 'gradio', 'starlette', 'celery', 'tqdm',"
        "'numpy', 'opentelemetry.sdk') if m in sys.modules])",
    )
    assert result.output.strip() == "[]", result.errors
