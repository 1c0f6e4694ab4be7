"""Work that a request hands to a pool of threads belongs to the request still.

asyncio's `run_in_executor` and a pool of one's own do not take the context along; the thread pool of
Starlette does.
"""

from __future__ import annotations

import contextvars
from functools import wraps
from types import ModuleType
from typing import Any

from .. import context
from . import when_imported, wrap
from .pipeline import Function


def around_submit(original: Function) -> Function:
    """Take the context of the request along."""

    @wraps(original)
    def submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        if context.inherited():
            return original(self, fn, *args, **kwargs)
        return original(self, contextvars.copy_context().run, fn, *args, **kwargs)

    return submit


def _on_threads(module: ModuleType) -> None:
    wrap(module.ThreadPoolExecutor, "submit", around_submit)


def install() -> None:
    """Observe pools of threads."""
    when_imported("concurrent.futures.thread", _on_threads)
