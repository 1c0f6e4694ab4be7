"""FaceFusion's own functions: jobs, steps, models and the state of its process manager.

Names as in FaceFusion 3.0 to 3.8; of 2.x there is `core.conditional_process` alone. They are looked up
in their modules at each call by FaceFusion, so that it does not matter who imported them before.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from functools import wraps
from types import ModuleType
from typing import Any

from .. import context, logs, otlp, tracing
from ..guard import fault, guarded
from ..metrics import OUTCOMES, changing
from ..privacy import mask, reason
from . import when_imported, wrap

Function = Callable[..., Any]

_IMAGES = frozenset((".bmp", ".jpeg", ".jpg", ".png", ".tiff", ".webp"))
_VIDEOS = frozenset((".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mxf", ".webm", ".wmv"))

# Longest file name of the usual filesystems. FaceFusion puts a job's id into names of files.
_LONGEST_NAME = 255


class Step:
    """A step under way."""

    def __init__(self, args: Mapping[str, Any] | None, index: int | None) -> None:
        with changing() as metrics:
            metrics.active.inc()
        self.started = time.perf_counter()
        self.ended = False
        self.span = tracing.begin("facefusion.run.step", "internal", _attributes(args, index))
        self.token: Token[Step | None] = _step.set(self)

    @guarded("step")
    def end(self, code: str, outcome: str, error: BaseException | None = None) -> None:
        """Count it, and end its span."""
        if self.ended:
            return
        self.ended = True
        _step.reset(self.token)
        seconds = time.perf_counter() - self.started
        with changing() as metrics:
            metrics.active.dec()
            metrics.steps.labels(code, outcome).inc()
            metrics.step_duration.labels(outcome).observe(seconds)
            if outcome == "declined":
                metrics.declined.inc()
            if isinstance(error, Exception):
                name = metrics.exception(type(error).__name__)
                metrics.exceptions.labels(name, reason(error)).inc()
        self.span.set({"facefusion.outcome": outcome, "facefusion.exit_code": code})
        if isinstance(error, Exception):
            self.span.set({"facefusion.reason": reason(error)})
            self.span.failed(type(error).__name__, mask(str(error)))
        elif outcome != "completed":
            self.span.failed(outcome)
        self.span.end()

    def raised(self, error: BaseException) -> None:
        """End it by an exception. Ctrl-C ends FaceFusion by SystemExit."""
        if isinstance(error, Exception):
            self.end("exception", "failed", error)
        else:
            self.end("interrupted", "stopped", error)


_step: ContextVar[Step | None] = ContextVar("facefusion_observability_step", default=None)


def _attributes(args: Mapping[str, Any] | None, index: int | None) -> dict[str, tracing.Value]:
    """Return what may be said of a step: nothing of the paths but what kind of file it is."""
    attributes: dict[str, tracing.Value] = {}
    if index is not None:
        attributes["facefusion.step.index"] = index
    get = args.get if args is not None else _state()
    processors = get("processors") if get is not None else None
    if isinstance(processors, (list, tuple)):
        attributes["facefusion.processors"] = ",".join(sorted(map(str, processors)))[:200]
    target = get("target_path") if get is not None else None
    if isinstance(target, str):
        attributes["facefusion.media"] = media(target)
    return attributes


def media(path: str) -> str:
    """Return what kind of file a path names."""
    extension = os.path.splitext(path)[1].lower()
    if extension in _IMAGES:
        return "image"
    return "video" if extension in _VIDEOS else "other"


def _state() -> Function | None:
    import sys

    manager = sys.modules.get("facefusion.state_manager")
    return getattr(manager, "get_item", None)


@guarded("step")
def _begin_step(args: Mapping[str, Any] | None, index: int | None) -> Step:
    return Step(args, index)


def around_conditional_process(original: Function) -> Function:
    """Count a step by FaceFusion's exit code."""

    @wraps(original)
    def conditional_process(*args: Any, **kwargs: Any) -> Any:
        step = _step.get() or _begin_step(None, None)
        try:
            code = original(*args, **kwargs)
        except BaseException as error:
            if step is not None:
                step.raised(error)
            raise
        if step is not None:
            step.end(*_verdict(code))
        return code

    return conditional_process


def _verdict(code: Any) -> tuple[str, str]:
    if isinstance(code, int) and code in OUTCOMES:
        return str(int(code)), OUTCOMES[code]
    return "unknown", "unknown"  # 2.x returns nothing


def around_run_step(original: Function) -> Function:
    """Begin the span of a step where its index and arguments are known."""

    @wraps(original)
    def run_step(*args: Any, **kwargs: Any) -> Any:
        step = _begin_run_step(args, kwargs)
        try:
            done = original(*args, **kwargs)
        except BaseException as error:
            if step is not None:
                step.raised(error)
            raise
        if step is not None:
            # It is over already if it came as far as conditional_process. If not, a check failed.
            step.end(*(("2", "rejected") if not done else ("unknown", "completed")))
        return done

    return run_step


@guarded("step")
def _begin_run_step(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Step:
    index = args[1] if len(args) > 1 else kwargs.get("step_index")
    step = args[2] if len(args) > 2 else kwargs.get("step")
    step_args = step.get("args") if isinstance(step, Mapping) else None
    return Step(step_args, index if isinstance(index, int) else None)


def around_run_job(original: Function) -> Function:
    """Make a span for the run of a job, in the trace that the job's id names."""

    @wraps(original)
    def run_job(*args: Any, **kwargs: Any) -> Any:
        span = _begin_run(args, kwargs)
        try:
            done = original(*args, **kwargs)
        except BaseException as error:
            if span is not None:
                _end_run(span, False, error)
            raise
        if span is not None:
            _end_run(span, bool(done), None)
        return done

    return run_job


@guarded("run")
def _begin_run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tracing.Span:
    identity = str(args[0] if args else kwargs.get("job_id", ""))
    trace = context.parse(identity)
    attributes: dict[str, tracing.Value] = {"facefusion.job.id": mask(identity)[:256]}
    if trace is None:
        return tracing.begin("facefusion.run", "internal", attributes)
    if context.redeem(trace):
        # The id was made in this process: the span is the one that it names.
        outer = context.current()
        same = outer is not None and outer.traced and outer.trace.trace_id == trace.trace_id
        return tracing.begin("facefusion.run", "internal", attributes, reserved=trace, root=not same)
    return tracing.begin("facefusion.run", "internal", attributes, parent=trace)


@guarded("run")
def _end_run(span: tracing.Span, done: bool, error: BaseException | None) -> None:
    span.set({"facefusion.outcome": "completed" if done else "failed"})
    if error is not None:
        span.failed(type(error).__name__, mask(str(error)))
    elif not done:
        span.failed("failed")
    span.end()


def around_suggest_job_id(original: Function) -> Function:
    """Put the trace context into the ids that FaceFusion makes: `ui-`, `headless-`, `batch-`."""

    @wraps(original)
    def suggest_job_id(*args: Any, **kwargs: Any) -> Any:
        identity = original(*args, **kwargs)
        try:
            named = context.with_trace(identity, tracing.exact())
            return named if _fits(named) else identity
        except Exception as error:
            fault("job id", error)
            return identity

    return suggest_job_id


def _fits(identity: str) -> bool:
    """Whether FaceFusion's files of a step can bear the id: OUTPUT-ID-INDEX.mp4."""
    get = _state()
    longest = ""
    for item in ("output_path", "output_pattern", "target_path"):
        value = get(item) if get is not None else None
        if isinstance(value, str):
            longest = max(longest, os.path.basename(value), key=len)
    return len(os.fsencode(longest)) + len(identity) + len("-1000-.jpeg") <= _LONGEST_NAME


def around_set_process_state(original: Function) -> Function:
    """Show the state that FaceFusion's process manager is in."""

    @wraps(original)
    def set_process_state(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        _set_state(args[0] if args else kwargs.get("process_state"))
        return result

    return set_process_state


@guarded("state")
def _set_state(state: Any) -> None:
    from ..metrics import families

    families().set_state(str(state))


def around_create_inference_session(original: Function) -> Function:
    """Count how long models take to load, by the names that FaceFusion gives them."""

    @wraps(original)
    def create_inference_session(*args: Any, **kwargs: Any) -> Any:
        started = time.perf_counter()
        try:
            session = original(*args, **kwargs)
        except Exception as error:
            _loaded(args, kwargs, started, error)
            raise
        _loaded(args, kwargs, started, None)
        return session

    return create_inference_session


@guarded("model")
def _loaded(args: tuple[Any, ...], kwargs: dict[str, Any], started: float, error: Exception | None) -> None:
    path = str(args[0] if args else kwargs.get("model_path", ""))
    seconds = time.perf_counter() - started
    with changing() as metrics:
        if error is not None:
            metrics.model_failures.inc()
        else:
            metrics.model_load.labels(metrics.model(model(path))).observe(seconds)


def model(path: str) -> str:
    """Return the name of a model. Those in folders of their own are named after people."""
    folder, name = os.path.split(path)
    if os.path.basename(folder) != "models":
        return "deep_swapper"
    return os.path.splitext(name)[0]


def around_fatal_exit(original: Function) -> Function:
    """Send what is left before FaceFusion ends at once, as it does if a model does not load."""

    @wraps(original)
    def fatal_exit(*args: Any, **kwargs: Any) -> Any:
        _last_words()
        return original(*args, **kwargs)

    return fatal_exit


@guarded("fatal exit")
def _last_words() -> None:
    with changing() as metrics:
        metrics.model_failures.inc()
    step = _step.get()
    if step is not None:
        step.end("1", "failed")
    otlp.finish()


def _on_core(module: ModuleType) -> None:
    wrap(module, "conditional_process", around_conditional_process)
    _on_package(module)


@guarded("facefusion")
def _on_package(_: ModuleType) -> None:
    """FaceFusion itself runs here: show its version, and send its log."""
    from importlib import import_module

    from ..metrics import families

    get = getattr(import_module("facefusion.metadata"), "get", None)
    families().ready(str(get("version")) if get is not None else "unknown")
    logs.start()


def _on_job_runner(module: ModuleType) -> None:
    wrap(module, "run_job", around_run_job)
    wrap(module, "run_step", around_run_step)


def _on_job_helper(module: ModuleType) -> None:
    wrap(module, "suggest_job_id", around_suggest_job_id)


def _on_process_manager(module: ModuleType) -> None:
    wrap(module, "set_process_state", around_set_process_state)


def _on_inference_manager(module: ModuleType) -> None:
    wrap(module, "create_inference_session", around_create_inference_session)
    wrap(module, "fatal_exit", around_fatal_exit)


def install() -> None:
    """Observe FaceFusion's modules as they are imported."""
    when_imported("facefusion.core", _on_core)
    when_imported("facefusion.jobs.job_runner", _on_job_runner)
    when_imported("facefusion.jobs.job_helper", _on_job_helper)
    when_imported("facefusion.process_manager", _on_process_manager)
    when_imported("facefusion.inference_manager", _on_inference_manager)
