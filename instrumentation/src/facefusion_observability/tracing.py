"""Spans: request, job, step, phase. Without OpenTelemetry's SDK there are none, only scopes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from . import context
from .context import Scope, Trace
from .guard import fault

if TYPE_CHECKING:
    from contextvars import Token as ContextToken

    from . import otelapi

    OTelSpan = otelapi.Span
    OTelToken = ContextToken[otelapi.Context]

Kind = Literal["server", "consumer", "internal"]
Value = str | bool | int | float

# Set by otlp.py, or by use() where the program sends spans by itself.
_tracer: otelapi.Tracer | None = None
# Whether a span gets the id that a job's id was given: only our own provider does that.
_exact = False


# The module, while there is a tracer: an import for each span would cost as much as the span.
_api: Any = None


def use(tracer: otelapi.Tracer | None, exact: bool) -> None:
    """Send spans by a tracer."""
    global _tracer, _exact, _api
    if tracer is not None:
        from . import otelapi

        _api = otelapi
    _tracer, _exact = tracer, exact


def exact() -> bool:
    """Whether a job's id may name a span before it begins."""
    return _tracer is not None and _exact


class Span:
    """A span under way, and the scope of the code in it."""

    __slots__ = ("_attached", "_otel", "_token", "scope")

    def __init__(self, scope: Scope, otel: OTelSpan | None, current: bool = True) -> None:
        self.scope = scope
        self._otel = otel
        self._token = context.enter(scope) if current else None
        self._attached = _attach(otel) if current and otel is not None else None

    @property
    def recorded(self) -> bool:
        """Whether somebody will find it in a store."""
        return self._otel is not None and self._otel.is_recording()

    def name(self, name: str) -> None:
        """Change its name."""
        if self._otel is not None:
            self._otel.update_name(name)

    def set(self, attributes: Mapping[str, Value]) -> None:
        """Set attributes."""
        if self._otel is not None:
            self._otel.set_attributes(attributes)

    def failed(self, error_type: str, description: str = "") -> None:
        """Say that what it is about has failed."""
        if self._otel is not None:
            self._otel.set_attribute("error.type", error_type)
            self._otel.set_status(_api.Status(_api.StatusCode.ERROR, description or None))

    def event(self, name: str, attributes: Mapping[str, Value]) -> None:
        """Add an event."""
        if self._otel is not None:
            self._otel.add_event(name, attributes)

    def leave(self) -> None:
        """Make the scope before it the current one again, before it ends."""
        try:
            attached, self._attached = self._attached, None
            if attached is not None:
                _api.detach(attached)
        except Exception as error:
            fault("span", error)
        finally:
            token, self._token = self._token, None
            if token is not None:
                context.leave(token)

    def drop(self) -> None:
        """Leave it without ever sending it."""
        self.leave()
        self._otel = None

    def end(self) -> None:
        """End it."""
        self.leave()
        if self._otel is not None:
            self._otel.end()


def begin(
    name: str,
    kind: Kind,
    attributes: Mapping[str, Value] | None = None,
    *,
    parent: Trace | None = None,
    request_id: str = "",
    reserved: Trace | None = None,
    root: bool = False,
    current: bool = True,
) -> Span:
    """Begin a span: of a parent elsewhere, or in the current scope.

    One that is not made the current one may be ended by another thread.
    """
    outer = None if root else context.current()
    if _tracer is not None:
        try:
            scope, otel = _start(name, kind, attributes, parent, request_id, reserved, outer, root)
            return Span(scope, otel, current)
        except Exception as error:
            fault("span", error)
    if parent is not None:
        scope = Scope(parent, request_id or (outer.named if outer is not None else ""))
    elif outer is not None and not request_id:
        scope = outer
    else:
        scope = Scope(None, request_id)
    return Span(scope, None, current)


def _start(
    name: str,
    kind: Kind,
    attributes: Mapping[str, Value] | None,
    parent: Trace | None,
    request_id: str,
    reserved: Trace | None,
    outer: Scope | None,
    root: bool,
) -> tuple[Scope, OTelSpan]:
    assert _tracer is not None
    where = _api.Context() if root else None  # None: the current one of OpenTelemetry's
    # The program may make spans of requests by itself: then ours is in its.
    if parent is not None and not (kind == "server" and _inside()):
        where = remote(parent)
    elif outer is not None and outer.traced and not _inside():
        # A thread without OpenTelemetry's context, or a process that was started for a request.
        where = remote(outer.trace)
    if reserved is None:
        otel = _tracer.start_span(name, where, _api.KINDS[kind], attributes)
    else:
        with _identified(reserved):
            otel = _tracer.start_span(name, where, _api.KINDS[kind], attributes)
    made = otel.get_span_context()
    scope = Scope(
        Trace(f"{made.trace_id:032x}", f"{made.span_id:016x}", f"{made.trace_flags:02x}"),
        request_id or (outer.named if outer is not None else ""),
    )
    return scope, otel


def _inside() -> bool:
    """Whether the code runs in a span of OpenTelemetry's."""
    return bool(_api.get_current_span().get_span_context().is_valid)


def remote(parent: Trace) -> Any:
    """Return an OpenTelemetry context with a span of somewhere else as the current one."""
    from . import otelapi as api

    return api.set_span_in_context(
        api.NonRecordingSpan(
            api.SpanContext(
                int(parent.trace_id, 16),
                int(parent.span_id, 16),
                is_remote=True,
                trace_flags=api.TraceFlags(int(parent.flags, 16)),
            )
        )
    )


def _attach(otel: OTelSpan) -> OTelToken:
    token: OTelToken = _api.attach(_api.set_span_in_context(otel))
    return token


@contextmanager
def _identified(reserved: Trace) -> Iterator[None]:
    if not _exact:
        yield
        return
    from .otlp import wanted

    token = wanted.set(reserved)
    try:
        yield
    finally:
        wanted.reset(token)
