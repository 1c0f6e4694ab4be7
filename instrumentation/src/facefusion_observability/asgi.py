"""FastAPI, Starlette and Gradio's own server: a middleware, and the pages as routes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import http, page
from .guard import fault, guarded
from .settings import settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_SEEN = "facefusion_observability.seen"

# Pages are written by a thread of our own: the pool that handlers share may have none to spare, which
# is what one wants to read on the page. It is made anew in a forked child.
_writers: tuple[int, ThreadPoolExecutor] | None = None


class Middleware:
    """Observes the requests of an application. The outermost one does, if there are several."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and observe it."""
        if scope["type"] != "http" or _SEEN in scope:
            await self._app(scope, receive, send)
            return
        scope[_SEEN] = True
        traceparent, request_id = _headers(scope)
        request = http.begin(scope.get("method", ""), scope["path"], traceparent, request_id)
        if request is None:
            await self._app(scope, receive, _marked(send) if http.is_probe(scope["path"]) else send)
            return
        await self._observe(request, scope, receive, send)

    async def _observe(self, request: http.Request, scope: Scope, receive: Receive, send: Send) -> None:
        root = scope.get("root_path", "")
        status = 500
        answer = (http.REQUEST_ID_HEADER.lower().encode(), request.request_id.encode())

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), answer]
            await send(message)

        poll = _Poll(scope.get("app")) if scope["path"].endswith("/queue/join") else None
        if poll is not None:
            receive = poll.watch(receive)
        try:
            await self._app(scope, receive, observed_send)
        except BaseException as error:
            # A client that went away is cancelled: that is no exception of the service's.
            request.end(self._template(scope, root), _status(error, status), error)
            raise
        if poll is not None and poll.is_one():
            request.drop()
            return
        request.end(self._template(scope, root), status)

    def _template(self, scope: Scope, root: str) -> str:
        try:
            return template(scope, root)
        except Exception as error:
            fault("template", error)
            return http.UNMATCHED


def _marked(send: Send) -> Send:
    """Say to the agent that the service is observed from inside."""
    mark = (http.INSIDE_HEADER.lower().encode(), b"1")

    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), mark]
        await send(message)

    return marked


def _status(error: BaseException, status: int) -> int:
    if isinstance(error, Exception):
        return max(status, 500)
    return 499


def _headers(scope: Scope) -> tuple[str, str]:
    traceparent = request_id = b""
    for name, value in scope["headers"]:
        if name == b"traceparent":
            traceparent = value
        elif name == b"x-request-id":
            request_id = value
    return traceparent.decode("latin-1"), request_id.decode("latin-1")


def template(scope: Scope, root: str) -> str:
    """Return the template of the route that answered, with those of what it is mounted at."""
    route = scope.get("route")
    path = getattr(route, "path_format", None) or getattr(route, "path", None)
    if not isinstance(path, str):
        return _fixed(scope) or http.UNMATCHED
    mounted = scope.get("root_path", "")
    prefix = mounted[len(root) :] if mounted.startswith(root) else ""
    return (prefix + path) or "/"


def _fixed(scope: Scope) -> str:
    """Return the path where a route without parameters answered that leaves no trace of itself.

    Starlette before 1.0 puts its routes' endpoint into the scope, and not the route.
    """
    if scope.get("endpoint") is None or scope.get("path_params"):
        return ""
    return str(scope["path"])


class _Poll:
    """Tells Gradio's polls from its events: an open tab of FaceFusion's asks for the log twice a second."""

    _NUMBER = re.compile(rb'"fn_index"\s*:\s*(\d+)')
    _LONGEST = 1 << 16

    def __init__(self, application: Any) -> None:
        self._application = application
        self._body = b""

    def watch(self, receive: Receive) -> Receive:
        """Read along."""

        async def watched() -> Message:
            message = await receive()
            if message["type"] == "http.request" and len(self._body) <= self._LONGEST:
                self._body += message.get("body", b"")
            return message

        return watched

    def is_one(self) -> bool:
        """Whether it was one."""
        try:
            numbers = self._NUMBER.findall(self._body)
            functions = self._application.get_blocks().fns
            return bool(numbers) and functions[int(numbers[-1])].name == "read_logs"
        except Exception:
            return False  # not Gradio, or another one


async def respond(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request for one of the pages."""
    path = scope["path"][len(scope.get("root_path", "")) :] or scope["path"]
    given = {name: value.decode("latin-1") for name, value in scope["headers"]}
    if path.endswith("/readyz"):
        result = page.ready(saturated=_saturated())
    elif path.endswith("/healthz"):
        result = page.answer("/healthz", "", "", settings())
    else:
        result = await asyncio.get_running_loop().run_in_executor(
            _writer(),
            page.answer,
            "/metrics",
            given.get(b"accept", ""),
            given.get(b"authorization", ""),
            settings(),
        )
    headers = [
        (b"content-type", result.content_type.encode()),
        (b"content-length", str(len(result.body)).encode()),
        (b"cache-control", b"no-store"),
        *((name.lower().encode(), value.encode()) for name, value in result.headers),
    ]
    await send({"type": "http.response.start", "status": result.status, "headers": headers})
    body = b"" if scope.get("method") == "HEAD" else result.body
    await send({"type": "http.response.body", "body": body})


def _writer() -> ThreadPoolExecutor:
    import os

    global _writers
    if _writers is None or _writers[0] != os.getpid():
        _writers = (os.getpid(), ThreadPoolExecutor(1, "facefusion-observability-page"))
    return _writers[1]


def _saturated() -> bool:
    """Whether each thread is taken of the pool that handlers share, as a leak in FaceFusion's UI does."""
    try:
        from anyio.to_thread import current_default_thread_limiter

        limiter = current_default_thread_limiter()
        return bool(limiter.borrowed_tokens >= limiter.total_tokens)
    except Exception:
        return False


class _Endpoint:
    """An ASGI application, as Starlette's Route takes one: not a function."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await respond(scope, receive, send)


def routes() -> list[Any]:
    """Return the pages as routes. They are in no OpenAPI schema."""
    from starlette.routing import Route

    return [
        Route(path, _Endpoint(), methods=["GET"], include_in_schema=False)
        for path in (settings().path, *page.PATHS)
    ]


@guarded("routes")
def add_routes(application: Any) -> None:
    """Put the pages before the application's routes, unless it has some of that path."""
    own = {getattr(route, "path", None) for route in application.router.routes}
    application.router.routes[:0] = [route for route in routes() if route.path not in own]


def finished(application: Any, stack: App) -> App:
    """Return an application's finished stack with ours around it. Its routes are known by now."""
    try:
        if not getattr(application, _MARK, False):
            setattr(application, _MARK, True)
            add_routes(application)
        return Middleware(stack)
    except Exception as error:
        fault("instrument", error)
        return stack


def instrument(application: Any) -> None:
    """Observe an application of FastAPI or Starlette, also one that has started."""
    if getattr(application, "middleware_stack", None) is not None:
        if not isinstance(application.middleware_stack, Middleware):
            application.middleware_stack = finished(application, application.middleware_stack)
        return
    build = application.build_middleware_stack

    def build_middleware_stack() -> Any:
        return finished(application, build())

    application.build_middleware_stack = build_middleware_stack


_MARK = "_facefusion_observability"
