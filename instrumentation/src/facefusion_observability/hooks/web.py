"""Applications of FastAPI and Flask that nobody hands to `instrument`: for `facefusion-observe`."""

from __future__ import annotations

from functools import wraps
from types import ModuleType
from typing import Any

from .. import asgi, wsgi
from ..guard import fault
from . import when_imported, wrap
from .pipeline import Function


def around_build_middleware_stack(original: Function) -> Function:
    """Observe an application of FastAPI's when it starts: Gradio's server is one, too."""

    @wraps(original)
    def build_middleware_stack(self: Any) -> Any:
        return asgi.finished(self, original(self))

    return build_middleware_stack


def around_init(original: Function) -> Function:
    """Observe an application of Flask's when it is made."""

    @wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        try:
            wsgi.instrument(self)
        except Exception as error:
            fault("instrument", error)

    return __init__


def _on_fastapi(module: ModuleType) -> None:
    wrap(module.FastAPI, "build_middleware_stack", around_build_middleware_stack)


def _on_flask(module: ModuleType) -> None:
    wrap(module.Flask, "__init__", around_init)


def install() -> None:
    """Observe applications as they are made."""
    when_imported("fastapi.applications", _on_fastapi)
    when_imported("flask.app", _on_flask)
