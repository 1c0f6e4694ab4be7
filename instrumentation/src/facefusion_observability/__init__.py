"""Metrics, traces and logs from inside FaceFusion and the services around it.

    from facefusion_observability import instrument
    instrument(app)

FACEFUSION_METRICS=0 switches all of it off.
"""

from __future__ import annotations

from typing import TypeVar

__version__ = "0.1.0"

from .context import request_id
from .guard import fault
from .settings import settings

__all__ = ["__version__", "instrument", "job_id", "request_id"]

A = TypeVar("A")


def instrument(app: A | None = None) -> A | None:
    """Observe an application of FastAPI, Starlette or Flask, or a worker that has none.

    The application is returned, so that the call may stand where it is made. Nothing is ever raised.
    """
    if settings().off:
        return app
    try:
        from . import start

        start.serving()
        if app is not None:
            start.application(app)
        else:
            start.worker()
    except Exception as error:
        fault("instrument", error)
    return app


def job_id(prefix: str = "job") -> str:
    """Return an id for a job of FaceFusion's that carries the trace of the current request.

    `job-create` with such an id makes the receiver put its trace of the run into that of the request.
    """
    import secrets
    import time

    identity = f"{prefix}-{time.strftime('%Y-%m-%d-%H-%M-%S')}-{secrets.token_hex(2)}"
    if settings().off:
        return identity
    try:
        from . import context, tracing

        return context.with_trace(identity, tracing.exact())
    except Exception as error:
        fault("job id", error)
        return identity
