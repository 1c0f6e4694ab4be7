"""What is the same for each web framework: which requests are observed, and what is said of them."""

from __future__ import annotations

import time
from functools import lru_cache

from . import context, tracing
from .guard import fault, guarded
from .metrics import changing, families
from .privacy import mask, reason
from .sampler import sampler
from .settings import settings

REQUEST_ID_HEADER = "X-Request-ID"
UNMATCHED = "other"

# By this header the agent knows that a server is observed from inside. It stands on answers to what the
# agent asks each server, and nowhere else.
INSIDE_HEADER = "X-FaceFusion-Inside"
_PROBES = frozenset(("/startup-events", "/gradio_api/startup-events", "/capabilities"))


@lru_cache(maxsize=1024)
def excluded(template: str) -> bool:
    """Whether requests of a route are left out. The argument is a template or a fixed path."""
    return any(
        template == pattern or (pattern.endswith("*") and template.startswith(pattern[:-1]))
        for pattern in settings().excluded
    )


def is_probe(path: str) -> bool:
    """Whether this is what the agent asks to find out what a server is."""
    return path in _PROBES


class Request:
    """A request under way."""

    __slots__ = ("_ended", "_method", "_span", "_started")

    def __init__(self, method: str, traceparent: str, request_id: str) -> None:
        self._started = time.perf_counter()
        self._method = method
        self._ended = False
        sampler.ensure()
        self._span = tracing.begin(
            method,
            "server",
            parent=context.parse(traceparent) if traceparent else None,
            request_id=context.parse_request_id(request_id) or context.new_request_id(),
        )

    @property
    def request_id(self) -> str:
        """Its id."""
        return self._span.scope.request_id

    def suspend(self) -> None:
        """Let the running code belong to no request any more, before this one has ended."""
        self._span.leave()

    def drop(self) -> None:
        """Forget it: it turned out to be a poll."""
        self._ended = True
        self._span.drop()

    @guarded("request")
    def end(self, template: str, status: int, error: BaseException | None = None) -> None:
        """Count it, and end its span."""
        if self._ended:
            return
        self._ended = True
        seconds = time.perf_counter() - self._started
        scope = self._span.scope
        left_out = excluded(template)
        if not left_out:
            found = self._span.recorded or scope.used
            families().request(
                self._method, template, status, seconds, scope.trace.trace_id if found else ""
            )
        if isinstance(error, Exception):
            with changing() as metrics:
                name = metrics.exception(type(error).__name__)
                metrics.exceptions.labels(name, reason(error)).inc()
        self._end_span(template, status, error)

    def _end_span(self, template: str, status: int, error: BaseException | None) -> None:
        span = self._span
        if span.recorded:
            span.name(f"{self._method} {template}")
            span.set(
                {
                    "http.request.method": self._method,
                    "http.route": template,
                    "http.response.status_code": status,
                    "facefusion.request.id": span.scope.request_id,
                }
            )
            if error is not None:
                span.failed(type(error).__name__, mask(str(error)))
            elif status >= 500:
                span.failed(str(status))
        span.end()


def begin(method: str, path: str, traceparent: str, request_id: str) -> Request | None:
    """Begin to observe a request, unless its path is of a route that is left out."""
    try:
        if excluded(path):
            return None
        return Request(method, traceparent, request_id)
    except Exception as error:
        fault("request", error)
        return None
