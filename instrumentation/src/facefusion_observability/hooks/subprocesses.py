"""FaceFusions that a service starts for a request: they are given its trace context and id."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import wraps
from types import ModuleType
from typing import Any

from .. import context
from ..guard import guarded
from . import when_imported, wrap
from .pipeline import Function


def is_facefusion(command: Any, folder: str = "") -> bool:
    """Whether a command starts FaceFusion: 3.x by `facefusion.py`, 2.x by `run.py` beside it."""
    if isinstance(command, (str, bytes, os.PathLike)):
        return "facefusion.py" in os.fsdecode(command)
    if not isinstance(command, Sequence):
        return False
    words = [os.fsdecode(word) for word in command if isinstance(word, (str, bytes, os.PathLike))]
    if any("facefusion.py" in word for word in words):
        return True
    return any(_is_old(os.path.join(folder, word)) for word in words)


def _is_old(path: str) -> bool:
    return os.path.basename(path) == "run.py" and os.path.isfile(
        os.path.join(os.path.dirname(path), "facefusion", "metadata.py")
    )


def around_init(original: Function) -> Function:
    """Add to the environment of a FaceFusion."""

    @wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        # The environment is the eleventh argument, and nobody counts so far.
        if context.current() is not None and (args or "args" in kwargs) and len(args) < 11:
            kwargs = _with_request(args[0] if args else kwargs["args"], kwargs) or kwargs
        original(self, *args, **kwargs)

    return __init__


@guarded("subprocess")
def _with_request(command: Any, kwargs: dict[str, Any]) -> dict[str, Any] | None:
    scope = context.current()
    if scope is None or not is_facefusion(command, os.fsdecode(kwargs.get("cwd") or "")):
        return None
    scope.used = True
    given = kwargs.get("env")
    environment: dict[Any, Any] = dict(os.environ if given is None else given)
    # Without this package in the child's Python these mean nothing.
    environment.setdefault("FACEFUSION_METRICS", "1")
    for name, value in (
        ("TRACEPARENT", scope.trace.traceparent),
        ("FACEFUSION_REQUEST_ID", scope.request_id),
    ):
        # What the service says itself stays; what it has inherited was about itself.
        if environment.get(name) == os.environ.get(name):
            environment[name] = value
    return {**kwargs, "env": environment}


def _on_subprocess(module: ModuleType) -> None:
    wrap(module.Popen, "__init__", around_init)


def install() -> None:
    """Observe what this process starts."""
    when_imported("subprocess", _on_subprocess)
