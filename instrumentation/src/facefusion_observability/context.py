"""Which request the running code belongs to: its trace context and its id.

The trace context is that of W3C, https://www.w3.org/TR/trace-context/#traceparent-header. It is
known also where OpenTelemetry is not installed: a job that is named by it gets the run that the
receiver sees into the caller's trace.
"""

from __future__ import annotations

import os
import random
import re
from contextvars import ContextVar, Token

_TRACEPARENT = re.compile(r"(?:^|[^0-9a-f])00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|[^0-9a-f])")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


class Trace:
    """A trace context."""

    __slots__ = ("flags", "span_id", "trace_id")

    def __init__(self, trace_id: str, span_id: str, flags: str = "01") -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.flags = flags

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trace) and self.traceparent == other.traceparent

    def __hash__(self) -> int:
        return hash(self.traceparent)

    @property
    def traceparent(self) -> str:
        """The value of the header."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    def child(self) -> Trace:
        """Return a context of the same trace for a span that is yet to be made."""
        return Trace(self.trace_id, new_span_id(), self.flags)


class Scope:
    """What is known about the request, job or step that the running code belongs to."""

    __slots__ = ("_request_id", "_trace", "used")

    def __init__(self, trace: Trace | None = None, request_id: str = "") -> None:
        self._trace = trace
        self._request_id = request_id
        # Whether something carries the trace context on: then the receiver's trace of it can be found.
        self.used = False

    @property
    def trace(self) -> Trace:
        """The trace context. It is made when it is first asked for."""
        if self._trace is None:
            self._trace = new_trace()
        return self._trace

    @property
    def traced(self) -> bool:
        """Whether anybody has asked for the trace context, or a caller has sent one."""
        return self._trace is not None

    @property
    def request_id(self) -> str:
        """The id of the request, made when it is first asked for."""
        if not self._request_id:
            self._request_id = new_request_id()
        return self._request_id

    @property
    def named(self) -> str:
        """The id of the request if it has one."""
        return self._request_id


_scope: ContextVar[Scope | None] = ContextVar("facefusion_observability_scope", default=None)
# Of a process that somebody started for a request: each of its threads belongs to that request.
_root: Scope | None = None


def new_request_id() -> str:
    """Return a random id for a request."""
    return f"{random.getrandbits(128):032x}"


def new_span_id() -> str:
    """Return a random span id."""
    # random is seeded anew in a forked child by Python itself.
    return f"{random.getrandbits(64) or 1:016x}"


def new_trace() -> Trace:
    """Return the context of a new trace."""
    return Trace(f"{random.getrandbits(128) or 1:032x}", new_span_id())


def parse(text: str) -> Trace | None:
    """Return the trace context that a text is, or contains."""
    match = _TRACEPARENT.search(text.lower())
    if match is None or match[1] == _NO_TRACE or match[2] == _NO_SPAN:
        return None
    return Trace(match[1], match[2], match[3])


def parse_request_id(text: str) -> str:
    """Return a request id that a caller sent, or nothing if it is not one."""
    return text if _REQUEST_ID.fullmatch(text) else ""


def current() -> Scope | None:
    """Return the scope of the running code."""
    return _scope.get() or _root


def inherited() -> bool:
    """Whether a new thread belongs to the same request by itself."""
    return _scope.get() is None


def enter(scope: Scope) -> Token[Scope | None]:
    """Make a scope the current one."""
    return _scope.set(scope)


def leave(token: Token[Scope | None]) -> None:
    """Make the scope before the current one again."""
    try:
        _scope.reset(token)
    except ValueError:
        # A generator that was closed in another context than it was started in.
        _scope.set(None)


def adopt_environment() -> None:
    """Take the request that this process was started for from its environment."""
    global _root
    trace = parse(os.environ.get("TRACEPARENT", ""))
    request = parse_request_id(os.environ.get("FACEFUSION_REQUEST_ID", ""))
    if trace is not None or request:
        _root = Scope(trace, request)


# Span ids that jobs' ids were given and whose spans this process has yet to begin.
_reserved: dict[str, Trace] = {}
_MOST_RESERVED = 1024


def reserve(scope: Scope | None) -> Trace:
    """Return the context of a span that will be begun later, by what carries it."""
    trace = scope.trace.child() if scope is not None else new_trace()
    if len(_reserved) >= _MOST_RESERVED:
        _reserved.pop(next(iter(_reserved)), None)
    _reserved[trace.span_id] = trace
    return trace


def redeem(trace: Trace) -> bool:
    """Whether a span was reserved in this process; it is no more afterwards."""
    return _reserved.pop(trace.span_id, None) is not None


def with_trace(identity: str, spans: bool) -> str:
    """Return a job's id with the trace context of the current request, if there is one.

    Where spans are sent, the job gets a span of its own, which the id names.
    """
    scope = current()
    if scope is not None:
        scope.used = True
    if spans:
        return f"{identity}-{reserve(scope).traceparent}"
    if scope is None:
        return identity
    return f"{identity}-{scope.trace.traceparent}"


def request_id() -> str:
    """Return the id of the current request, or nothing outside a request."""
    scope = current()
    return scope.request_id if scope is not None else ""
