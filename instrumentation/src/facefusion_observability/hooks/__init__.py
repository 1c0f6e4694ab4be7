"""What is changed in modules of others when they are imported, and only then.

Nothing is imported here that the program does not import itself. A wrapper calls the original with
what it was called with, returns what that returns and raises what that raises.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType

from ..guard import fault

_lock = threading.Lock()
_installed: set[str] = set()


def when_imported(name: str, hook: Callable[[ModuleType], None]) -> None:
    """Call a hook with a module once it is imported, or now if it is."""
    from wrapt import register_post_import_hook

    with _lock:
        key = f"{name} {hook.__module__}.{hook.__qualname__}"
        if key in _installed:
            return
        _installed.add(key)

    def call(module: ModuleType) -> None:
        try:
            hook(module)
        except Exception as error:
            # A version whose parts are elsewhere: what is missing there is not observed.
            fault(f"hook {name}", error)

    register_post_import_hook(call, name)


def wrap(owner: object, name: str, around: Callable[[Callable[..., object]], object]) -> None:
    """Replace a function of a module or class by a wrapper, once."""
    original = getattr(owner, name, None)
    if callable(original) and not getattr(original, "__facefusion_observed__", False):
        wrapper = around(original)
        wrapper.__facefusion_observed__ = True  # type: ignore[attr-defined]
        setattr(owner, name, wrapper)


def install() -> None:
    """Observe FaceFusion in this process, and those that it starts."""
    from . import executor, pipeline, progress, subprocesses

    pipeline.install()
    progress.install()
    subprocesses.install()
    executor.install()


def install_web() -> None:
    """Observe each application of a known web framework that this process makes."""
    from . import web, worker

    web.install()
    worker.install()
