"""How observing begins: in a service, in FaceFusion's UI, or at the start of an interpreter."""

from __future__ import annotations

from typing import Any

from . import context, hooks, otlp
from .guard import warn
from .metrics import families
from .sampler import sampler
from .settings import settings


def process() -> None:
    """Observe what this process does with FaceFusion. No thread is started, no port is opened."""
    context.adopt_environment()
    families()
    otlp.start()
    hooks.install()


def serving() -> None:
    """Observe a process that serves: its gauges are read and its metrics are sent."""
    process()
    families().ready()
    from .hooks import worker as tasks

    tasks.install()
    sampler.ensure()


def application(app: Any) -> None:
    """Observe an application by what it is."""
    if hasattr(app, "build_middleware_stack"):
        from . import asgi

        asgi.instrument(app)
    elif hasattr(app, "wsgi_app"):
        from . import wsgi

        wsgi.instrument(app)
    else:
        warn("application", f"{type(app).__name__} is no application of FastAPI, Starlette or Flask")


def worker() -> None:
    """Serve the page by a server of its own, if the settings name an address."""
    listen = settings().listen
    if listen is None:
        return
    from . import server

    try:
        server.start(*listen)
    except OSError as error:
        # Another worker of the same service has it. With a shared folder its page shows them all.
        warn("listen", f"no page at {listen[0]}:{listen[1]}: {error.strerror}")
