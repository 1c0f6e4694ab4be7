"""Flask: a middleware around its WSGI application, and the pages before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from . import http, page
from .guard import fault
from .settings import settings

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

_MARK = "_facefusion_observability"
_SEEN = "facefusion_observability.seen"


class Middleware:
    """Observes the requests of an application, and answers those for the pages."""

    def __init__(self, app: App, application: Any) -> None:
        self._app = app
        self._application = application

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Pass a request on, and observe it."""
        if _SEEN in environ:
            return self._app(environ, start_response)
        environ[_SEEN] = True
        path = environ.get("PATH_INFO", "") or "/"
        method = environ.get("REQUEST_METHOD", "")
        if method in ("GET", "HEAD") and self._is_page(path):
            return _respond(path, environ, start_response)
        request = http.begin(
            method,
            path,
            environ.get("HTTP_TRACEPARENT", ""),
            environ.get("HTTP_X_REQUEST_ID", ""),
        )
        if request is None:
            return self._app(environ, _marked(start_response) if http.is_probe(path) else start_response)
        return self._observe(request, environ, start_response)

    def _is_page(self, path: str) -> bool:
        if path != settings().path and path not in page.PATHS:
            return False
        try:
            return all(rule.rule != path for rule in self._application.url_map.iter_rules())
        except Exception as error:
            fault("page", error)
            return False

    def _observe(
        self, request: http.Request, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        said: list[Any] = [http.UNMATCHED, 500]

        def observed(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            try:
                said[0], said[1] = _template(), int(status.split(" ", 1)[0])
                headers = [*headers, (http.REQUEST_ID_HEADER, request.request_id)]
            except Exception as error:
                fault("response", error)
            return start_response(status, headers, *rest)

        try:
            body = self._app(environ, observed)
        except BaseException as error:
            request.end(said[0], 500, error)
            raise
        if isinstance(body, (list, tuple)):
            request.end(said[0], said[1])
            return body
        # A stream is over when the server has closed it. The next request of this thread is not part
        # of it.
        request.suspend()
        return _Stream(body, request, said)


def _marked(start_response: StartResponse) -> StartResponse:
    """Say to the agent that the service is observed from inside."""

    def marked(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        return start_response(status, [*headers, (http.INSIDE_HEADER, "1")], *rest)

    return marked


class _Stream:
    """The body of a response that is made while it is sent."""

    def __init__(self, body: Iterable[bytes], request: http.Request, said: list[Any]) -> None:
        self._body = body
        self._request = request
        self._said = said

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._body
        except BaseException as error:
            self._request.end(self._said[0], 500, error)
            raise

    def close(self) -> None:
        """End the request."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._request.end(self._said[0], self._said[1])


def _template() -> str:
    from flask import has_request_context, request

    rule = request.url_rule if has_request_context() else None
    return str(rule.rule) if rule is not None else http.UNMATCHED


def _respond(path: str, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    result = page.answer(
        path if path in page.PATHS else "/metrics",
        environ.get("HTTP_ACCEPT", ""),
        environ.get("HTTP_AUTHORIZATION", ""),
        settings(),
    )
    headers = [
        ("Content-Type", result.content_type),
        ("Content-Length", str(len(result.body))),
        ("Cache-Control", "no-store"),
        *result.headers,
    ]
    start_response(f"{result.status} {_PHRASES.get(result.status, '')}", headers)
    return [b"" if environ.get("REQUEST_METHOD") == "HEAD" else result.body]


_PHRASES = {200: "OK", 401: "Unauthorized", 503: "Service Unavailable"}


def instrument(application: Any) -> None:
    """Observe an application of Flask's."""
    if getattr(application, _MARK, False):
        return
    setattr(application, _MARK, True)
    application.wsgi_app = Middleware(application.wsgi_app, application)
