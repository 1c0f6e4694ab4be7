"""The pages: metrics, and whether the process lives and is ready. They know no web framework."""

from __future__ import annotations

import base64
import hmac
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder

from . import multiprocess
from .guard import fault
from .metrics import reading
from .settings import Settings

PATHS = ("/healthz", "/readyz")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


def answer(path: str, accept: str, authorization: str, settings: Settings) -> Answer:
    """Answer a request for one of the pages. It takes milliseconds: not for an event loop."""
    if path == "/healthz":
        return Answer(200, b"ok\n")
    if path == "/readyz":
        return ready()
    if not allowed(authorization, settings):
        return _unauthorized(settings)
    return metrics(accept)


def metrics(accept: str) -> Answer:
    """Answer with the metrics, in the format that the client prefers."""
    try:
        encode, content_type = choose_encoder(accept)
        with registry() as values:
            return Answer(200, encode(values), content_type)
    except Exception as error:
        fault("page", error)
        return Answer(503, b"the metrics cannot be read\n")


@contextmanager
def registry() -> Iterator[CollectorRegistry]:
    """Give the registry with the values of this process, or of all that share a folder."""
    with reading():
        if not multiprocess.folder():
            yield REGISTRY
            return
        from prometheus_client.multiprocess import MultiProcessCollector

        shared = CollectorRegistry()
        MultiProcessCollector(shared)
        with multiprocess.exclusive():
            multiprocess.sweep()
            yield shared


def ready(saturated: bool = False) -> Answer:
    """Answer whether work is taken: not while models are checked, nor without a free thread."""
    if facefusion_state() == "checking":
        return _json(503, {"ready": False, "reason": "checking"})
    if saturated:
        return _json(503, {"ready": False, "reason": "saturated"})
    return _json(200, {"ready": True})


def facefusion_state() -> str:
    """Return the state of FaceFusion's process manager, or nothing where none is loaded."""
    manager = sys.modules.get("facefusion.process_manager")
    try:
        return str(manager.get_process_state()) if manager is not None else ""
    except Exception:
        return ""


def _json(status: int, value: object) -> Answer:
    return Answer(status, json.dumps(value).encode() + b"\n", "application/json")


def allowed(authorization: str, settings: Settings) -> bool:
    """Whether a request may see the metrics."""
    if settings.locked:
        return False
    if not settings.protected:
        return True
    scheme, _, value = authorization.strip().partition(" ")
    if settings.token and scheme.lower() == "bearer":
        return _same(value.strip(), settings.token)
    if settings.password and scheme.lower() == "basic":
        try:
            given = base64.b64decode(value.strip(), validate=True).decode()
        except ValueError:
            return False
        return _same(given, f"{settings.user}:{settings.password}")
    return False


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _unauthorized(settings: Settings) -> Answer:
    scheme = "Basic" if settings.password else "Bearer"
    challenge = ("WWW-Authenticate", f'{scheme} realm="metrics"')
    return Answer(401, b"unauthorized\n", headers=(challenge,))
