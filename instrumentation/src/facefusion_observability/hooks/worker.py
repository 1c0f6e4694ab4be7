"""Celery: a task belongs to the request that sent it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from .. import context, tracing
from ..guard import guarded
from ..metrics import changing
from ..privacy import mask, reason
from . import when_imported

_TRACEPARENT, _REQUEST_ID = "traceparent", "facefusion_request_id"
_SPAN = "_facefusion_observability_span"


@guarded("celery")
def _before_publish(headers: Any = None, **_: Any) -> None:
    scope = context.current()
    if scope is not None and isinstance(headers, dict):
        scope.used = True
        headers.setdefault(_TRACEPARENT, scope.trace.traceparent)
        headers.setdefault(_REQUEST_ID, scope.request_id)


@guarded("celery")
def _before_run(task: Any = None, **_: Any) -> None:
    request = task.request
    given = {name: _header(request, name) for name in (_TRACEPARENT, _REQUEST_ID)}
    span = tracing.begin(
        "task " + str(task.name)[:100],
        "consumer",
        parent=context.parse(given[_TRACEPARENT]),
        request_id=context.parse_request_id(given[_REQUEST_ID]),
    )
    setattr(request, _SPAN, span)


def _header(request: Any, name: str) -> str:
    value = getattr(request, name, None)
    if value is None:
        value = (getattr(request, "headers", None) or {}).get(name)
    return value if isinstance(value, str) else ""


@guarded("celery")
def _after_run(task: Any = None, **_: Any) -> None:
    span = getattr(task.request, _SPAN, None)
    if isinstance(span, tracing.Span):
        span.end()


@guarded("celery")
def _on_failure(sender: Any = None, exception: Any = None, **_: Any) -> None:
    if not isinstance(exception, Exception):
        return
    with changing() as metrics:
        name = metrics.exception(type(exception).__name__)
        metrics.exceptions.labels(name, reason(exception)).inc()
    span = getattr(getattr(sender, "request", None), _SPAN, None)
    if isinstance(span, tracing.Span):
        span.failed(type(exception).__name__, mask(str(exception)))


def _on_celery(module: ModuleType) -> None:
    module.before_task_publish.connect(_before_publish, weak=False)
    module.task_prerun.connect(_before_run, weak=False)
    module.task_postrun.connect(_after_run, weak=False)
    module.task_failure.connect(_on_failure, weak=False)


def install() -> None:
    """Observe tasks, where Celery is used."""
    when_imported("celery.signals", _on_celery)
