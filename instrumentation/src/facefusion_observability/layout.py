"""The layout `observed`: another layout of FaceFusion's, with the pages on the same port."""

from __future__ import annotations

import importlib
import sys
from functools import wraps
from types import ModuleType
from typing import Any

from . import asgi, start
from .guard import fault
from .settings import settings

_NAME = "observed"


def _begin() -> None:
    """Observe from the import of the layout on: FaceFusion's own modules are imported by then."""
    if settings().off:
        return
    try:
        start.serving()
    except Exception as error:
        fault("layout", error)


def _inner() -> ModuleType:
    return importlib.import_module("facefusion.uis.layouts." + settings().layout)


def _alone() -> bool:
    """Whether no other layout was asked for. With others, each is a tab, and draws itself."""
    state = sys.modules.get("facefusion.state_manager")
    layouts = state.get_item("ui_layouts") if state is not None else None
    return not isinstance(layouts, (list, tuple)) or len(layouts) < 2


def pre_check() -> bool:
    """Check what the inner layout checks."""
    return bool(_inner().pre_check()) if _alone() else True


def render() -> None:
    """Draw the inner layout; beside others, a link to the page."""
    if _alone():
        _inner().render()
        return
    import gradio

    gradio.Markdown(f"[{settings().path}]({settings().path})")


def listen() -> None:
    """Connect the inner layout's parts."""
    if _alone():
        _inner().listen()


def run(ui: Any) -> None:
    """Launch as the inner layout does, with the pages."""
    if _alone():
        _inner().run(ui)


def _around_launch(original: Any) -> Any:
    """Add the pages by the argument that Gradio has for it, whichever layout launches."""

    @wraps(original)
    def launch(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            kwargs["app_kwargs"] = _app_kwargs(kwargs.get("app_kwargs"))
        except Exception as error:
            fault("launch", error)
        return original(self, *args, **kwargs)

    return launch


def _app_kwargs(given: dict[str, Any] | None) -> dict[str, Any]:
    from starlette.middleware import Middleware

    given = dict(given or {})
    given["routes"] = [*asgi.routes(), *given.get("routes", ())]
    given["middleware"] = [Middleware(asgi.Middleware), *given.get("middleware", ())]
    return given


def _on_gradio(module: ModuleType) -> None:
    from .hooks import wrap

    wrap(module.Blocks, "launch", _around_launch)


_begin()
if not settings().off:
    from .hooks import when_imported

    when_imported("gradio.blocks", _on_gradio)
