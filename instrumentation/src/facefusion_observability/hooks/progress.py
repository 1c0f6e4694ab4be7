"""Frames by phase, from the progress bars that FaceFusion moves. It has no other count of them.

The bars are wrapped, not their output: with `--log-level warn` they are invisible and count all the same.
"""

from __future__ import annotations

import time
from functools import wraps
from types import ModuleType
from typing import Any

from .. import tracing
from ..guard import fault, guarded
from ..metrics import PHASES, changing
from . import when_imported, wrap
from .pipeline import Function


class Phase:
    """A phase under way: a bar."""

    __slots__ = ("counter", "ended", "name", "span", "started")

    def __init__(self, name: str) -> None:
        self.name = name
        self.ended = False
        self.started = time.perf_counter()
        with changing() as metrics:
            self.counter = metrics.frames.labels(name)
        # Bars are closed by whoever comes last, if need be by the garbage collector.
        self.span = tracing.begin("facefusion.run." + name, "internal", current=False)


def phase_name(description: Any) -> str:
    """Return the phase that a bar is about: its description, in capitals or not."""
    words = str(description or "").lower().split()
    return words[0] if words and words[0] in PHASES else "other"


def around_init(original: Function) -> Function:
    """Begin a phase with a bar of frames."""

    @wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        # Bars of others, and those of downloads, count bytes or nothing.
        if kwargs.get("unit") == "frame":
            _begin(self, kwargs)

    return __init__


@guarded("phase")
def _begin(bar: Any, kwargs: dict[str, Any]) -> None:
    phase = Phase(phase_name(kwargs.get("desc")))
    # On the bar, not on its class: the class's update() is replaced by FaceFusion's terminal, before or
    # after us, with one that may call the one before it.
    kind = type(bar)

    def update(n: Any = 1) -> Any:
        _count(phase, n)
        return kind.update(bar, n)

    def close() -> Any:
        _end(phase)
        return kind.close(bar)

    bar.update, bar.close = update, close


def _count(phase: Phase, n: Any) -> None:
    try:
        if n > 0:
            with changing():
                phase.counter.inc(n)
    except Exception as error:
        fault("frames", error)


@guarded("phase")
def _end(phase: Phase) -> None:
    if not phase.ended:
        phase.ended = True
        with changing() as metrics:
            metrics.phase_duration.labels(phase.name).observe(time.perf_counter() - phase.started)
        phase.span.end()


def _on_tqdm(module: ModuleType) -> None:
    wrap(module.tqdm, "__init__", around_init)


def install() -> None:
    """Observe progress bars."""
    when_imported("tqdm.std", _on_tqdm)
