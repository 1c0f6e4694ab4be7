"""FaceFusion's log records by OTLP, with severity, the trace they belong to and the request's id."""

from __future__ import annotations

import logging
from typing import Any

from . import context, otlp
from .guard import fault
from .privacy import mask

# Of the logging module's levels, https://opentelemetry.io/docs/specs/otel/logs/data-model/#severity-fields
_SEVERITIES = ((50, 21, "FATAL"), (40, 17, "ERROR"), (30, 13, "WARN"), (20, 9, "INFO"))


class Handler(logging.Handler):
    """Sends records. Debug records are left out: they hold ffmpeg's own lines, with paths."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record."""
        sending = otlp.exporters()
        if sending is None:
            return
        try:
            sending.logger.emit(_record(record))
        except Exception as error:
            fault("log", error)


def _record(record: logging.LogRecord) -> Any:
    from opentelemetry import trace
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.context import get_current

    from .tracing import remote

    number, text = next(((n, t) for level, n, t in _SEVERITIES if record.levelno >= level), (5, ""))
    attributes: dict[str, Any] = {"code.function.name": f"{record.module}.{record.funcName}"}
    scope = context.current()
    where = get_current()
    if scope is not None:
        if scope.named:
            attributes["facefusion.request.id"] = scope.named
        if scope.traced and not trace.get_current_span().get_span_context().is_valid:
            where = remote(scope.trace)
    if record.exc_info and record.exc_info[0] is not None:
        attributes["exception.type"] = record.exc_info[0].__name__
    return LogRecord(
        timestamp=int(record.created * 1e9),
        context=where,
        severity_number=SeverityNumber(number),
        severity_text=text,
        body=mask(record.getMessage()),
        attributes=attributes,
    )


def start() -> None:
    """Send what FaceFusion logs. Its own output stays as it is: its handlers are left alone."""
    logger = logging.getLogger("facefusion")
    if otlp.exporters() is not None and not any(isinstance(h, Handler) for h in logger.handlers):
        logger.addHandler(Handler())
