"""Nothing of this package may reach the program it observes: no exception, and one line of log."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_log = logging.getLogger("facefusion_observability")
_log.addHandler(logging.NullHandler())
# The first line about something is a warning, as a person should see it; later ones are counted.
_seen: set[str] = set()
_lock = threading.Lock()

# Called with the place of a fault. metrics.py puts its counter here.
on_fault: Callable[[str], None] | None = None


def warn(where: str, message: str) -> None:
    """Log a warning, once for each place."""
    with _lock:
        if where in _seen:
            return
        _seen.add(where)
    _log.warning("%s", message)


def fault(where: str, error: BaseException) -> None:
    """Count a fault of our own, and log the first of a place."""
    try:
        if on_fault is not None:
            on_fault(where)
        warn(where, f"{where}: {type(error).__name__}; nothing is observed here for the moment")
    except Exception:
        pass


def guarded(where: str) -> Callable[[Callable[P, R]], Callable[P, R | None]]:
    """Make a function of ours return None where it would raise."""

    def decorate(function: Callable[P, R]) -> Callable[P, R | None]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R | None:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                fault(where, error)
                return None

        return call

    return decorate
