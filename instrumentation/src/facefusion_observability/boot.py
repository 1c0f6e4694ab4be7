"""The start by FACEFUSION_METRICS=1, before the first line of the program: from the .pth file beside
the package, or from the sitecustomize of `facefusion-observe`.
"""

from __future__ import annotations

import os

_done = False


def run() -> None:
    """Observe this process, whatever it becomes."""
    global _done
    if _done:
        return
    _done = True
    try:
        from .settings import settings

        if settings().enabled is not True or _is_tool():
            return
        from . import hooks, start

        start.process()
        hooks.install_web()
    except Exception as error:
        try:
            from .guard import fault

            fault("boot", error)
        except Exception:
            pass


def _is_tool() -> bool:
    """Whether this is a tool that shares the environment of the program: pip, and our own command."""
    import sys

    # The arguments are not there yet when .pth files are read.
    words = getattr(sys, "orig_argv", [])[1:4]
    names = {os.path.basename(word) for word in words}
    return bool(names & {"pip", "pip3", "facefusion-observe", "ensurepip", "venv"})
