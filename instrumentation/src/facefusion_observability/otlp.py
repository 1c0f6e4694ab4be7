"""Metrics, spans and logs by OTLP over HTTP, by providers of our own.

They are not made the global ones: the program may set those up later, and what it does not send by
itself is not ours to send.
"""

from __future__ import annotations

import atexit
import logging
import os
import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from . import __version__, tracing
from .context import Trace
from .guard import fault, guarded, warn
from .settings import settings

_SCOPE = "facefusion_observability"

# What a collector that is away may cost at the end of a process, in seconds.
_LAST = 1.5
# Of one request. A collector on the same host answers in milliseconds.
_TIMEOUT = 5.0

# Of spans, and of records. To write one takes 40 µs, in which no other thread of the interpreter runs: a
# whole queue at once would hold up requests.
_BATCH = 64

# The ids that the next span gets: a job's id named it before it began.
wanted: ContextVar[Trace | None] = ContextVar("facefusion_observability_ids", default=None)


@dataclass
class Exporters:
    """What sends, in this process."""

    tracer: Any
    logger: Any
    flush: Callable[[float], None]
    resource: Any
    metrics: Any


_exporters: Exporters | None = None
_starting = threading.Lock()


def exporters() -> Exporters | None:
    """Return what sends, if anything does."""
    return _exporters


@guarded("otlp")
def start() -> None:
    """Begin to send, if the settings say so and OpenTelemetry is installed."""
    global _exporters
    with _starting:
        if _exporters is not None:
            return
        theirs = _theirs()
        if not settings().otlp:
            # Nobody asked us to send; but who sends spans already gets ours as well.
            tracing.use(theirs, exact=False)
            return
        try:
            import opentelemetry.exporter.otlp.proto.http
            import opentelemetry.sdk  # noqa: F401
        except ImportError:
            warn("otlp import", "OTLP needs: pip install 'facefusion-observability[otlp]'")
            return
        _quiet()
        _exporters = _make()
        if theirs is not None:
            tracing.use(theirs, exact=False)
        else:
            tracing.use(_exporters.tracer, exact=True)
    atexit.register(finish)


def _theirs() -> Any:
    """Return a tracer of the program's own provider, if it has one."""
    sdk = sys.modules.get("opentelemetry.sdk.trace")
    if sdk is None:
        return None
    from opentelemetry import trace

    provider = trace.get_tracer_provider()
    if isinstance(provider, sdk.TracerProvider):
        return provider.get_tracer(_SCOPE, __version__)
    return None


def _make() -> Exporters:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = _resource()
    traces = TracerProvider(resource=resource, id_generator=_ids(), shutdown_on_exit=False)
    spans = BatchSpanProcessor(
        OTLPSpanExporter(**_to("traces")),
        max_queue_size=2048,
        schedule_delay_millis=1000,
        max_export_batch_size=_BATCH,
    )
    traces.add_span_processor(spans)
    logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
    records = BatchLogRecordProcessor(
        OTLPLogExporter(**_to("logs")),
        max_queue_size=2048,
        schedule_delay_millis=1000,
        max_export_batch_size=_BATCH,
    )
    logs.add_log_record_processor(records)

    def flush(seconds: float) -> None:
        # It waits for a worker that is there already, and starts no thread: at the end of an interpreter
        # none can be started. force_flush() would not heed its timeout.
        deadline = time.monotonic() + seconds
        for processor in (spans, records):
            left = max(0.0, deadline - time.monotonic())
            inner: Any = getattr(processor, "_batch_processor", None)
            if inner is not None:
                inner.shutdown(int(left * 1000))

    return Exporters(
        tracer=traces.get_tracer(_SCOPE, __version__),
        logger=logs.get_logger(_SCOPE, __version__),
        flush=flush,
        resource=resource,
        metrics=OTLPMetricExporter(**_to("metrics")),
    )


def _to(signal: str) -> dict[str, Any]:
    """Return the arguments of an exporter. What the environment says about a signal wins."""
    arguments: dict[str, Any] = {}
    variable = f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT"
    endpoint = os.environ.get(variable, "")
    if not endpoint:
        endpoint = settings().otlp_endpoint.rstrip("/") + "/v1/" + signal
        arguments["endpoint"] = endpoint
    if not any(
        os.environ.get(name)
        for name in ("OTEL_EXPORTER_OTLP_TIMEOUT", f"OTEL_EXPORTER_OTLP_{signal.upper()}_TIMEOUT")
    ):
        arguments["timeout"] = _TIMEOUT
    if (urlsplit(endpoint).hostname or "") in ("127.0.0.1", "::1", "localhost"):
        import requests

        # A proxy of the environment has no business with what stays on this machine.
        session = requests.Session()
        session.trust_env = False
        arguments["session"] = session
    return arguments


def _resource() -> Any:
    from opentelemetry.sdk.resources import Resource

    # Not the receiver's service.name: what is seen from outside and from inside are two resources.
    attributes: dict[str, Any] = {
        "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
        "host.name": socket.gethostname(),
        "process.pid": os.getpid(),
        "facefusion.observability.version": __version__,
    }
    if not os.environ.get("OTEL_SERVICE_NAME") and "service.name=" not in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    ):
        attributes["service.name"] = "facefusion-inside"
    return Resource.create(attributes)


def _ids() -> Any:
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class Ids(IdGenerator):
        def generate_span_id(self) -> int:
            trace = wanted.get()
            return int(trace.span_id, 16) if trace is not None else random.getrandbits(64) or 1

        def generate_trace_id(self) -> int:
            trace = wanted.get()
            return int(trace.trace_id, 16) if trace is not None else random.getrandbits(128) or 1

    return Ids()


def _quiet() -> None:
    """Keep the exporters' complaints about a collector that is away out of the program's log."""
    for name in ("opentelemetry.exporter.otlp", "opentelemetry.sdk", "opentelemetry.exporter"):
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.CRITICAL)


def finish(seconds: float = _LAST) -> None:
    """Send what is left, within some time, before the process ends."""
    global _exporters
    ending, _exporters = _exporters, None
    if ending is None:
        return
    tracing.use(None, exact=False)
    try:
        ending.flush(seconds)
    except Exception as error:
        fault("flush", error)


def _in_child() -> None:
    # The SDK starts its workers anew by itself. The pid is another one.
    global _starting
    _starting = threading.Lock()


os.register_at_fork(after_in_child=_in_child)
