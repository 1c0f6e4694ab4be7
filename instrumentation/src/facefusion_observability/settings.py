"""What the environment says. It is read once, when the first part of the package starts."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import lru_cache

from .guard import warn

_ON = ("1", "on", "true", "yes")
_OFF = ("0", "off", "false", "no")

# Gauges are read this often; more often than a scrape would cost and show nothing.
_MIN_INTERVAL = 15.0

DEFAULT_OTLP_ENDPOINT = "http://127.0.0.1:4328"

# Templates of routes that are neither counted nor traced. A `*` at the end stands for anything.
DEFAULT_EXCLUDED = (
    # Health checks and scrapes, ours and the usual ones.
    "/metrics",
    "/healthz",
    "/readyz",
    "/livez",
    "/health*",
    "/ping",
    "/ready",
    "/live",
    # What a browser asks by itself.
    "/favicon.ico",
    "/robots.txt",
    "/manifest.json",
    "/theme.css",
    "/assets/*",
    "/static/*",
    "/svelte/*",
    "/gradio_api/theme.css",
    # Gradio's own probes and streams: a stream lasts as long as the tab is open.
    "/startup-events",
    "/gradio_api/startup-events",
    "/queue/status",
    "/gradio_api/queue/status",
    "/queue/data",
    "/gradio_api/queue/data",
    "/heartbeat/*",
    "/gradio_api/heartbeat/*",
    "/app_id",
    "/gradio_api/app_id",
    "/monitoring*",
    "/gradio_api/monitoring*",
    # What the agent asks a server that is no Gradio.
    "/capabilities",
    # Sensitive.
    "/admin*",
)


@dataclass(frozen=True)
class Settings:
    """The settings of this process."""

    enabled: bool | None = None  # None: the environment does not say
    path: str = "/metrics"
    excluded: tuple[str, ...] = DEFAULT_EXCLUDED
    interval: float = _MIN_INTERVAL
    listen: tuple[str, int] | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    otlp: bool = False
    otlp_endpoint: str = DEFAULT_OTLP_ENDPOINT
    layout: str = "default"
    locked: bool = False  # a secret was asked for and could not be read: the page stays closed

    @property
    def off(self) -> bool:
        """Whether FACEFUSION_METRICS=0 switches everything off."""
        return self.enabled is False

    @property
    def protected(self) -> bool:
        """Whether the page asks for a password or a token."""
        return self.locked or bool(self.token or self.password)


def _switch(name: str) -> bool | None:
    value = os.environ.get(name, "").strip().lower()
    if value in _ON:
        return True
    if value in _OFF:
        return False
    return None


def _secret(name: str) -> tuple[str, bool]:
    """Return a secret of the environment or of the file it names, and whether it is missing."""
    path = os.environ.get(name + "_FILE", "")
    if not path:
        return os.environ.get(name, ""), False
    try:
        with open(path, encoding="utf-8") as file:
            secret = file.read().strip()
    except OSError as error:
        warn("secret", f"cannot read {name}_FILE, the page stays closed: {error.strerror}")
        return "", True
    return secret, not secret


def _interval() -> float:
    try:
        return max(_MIN_INTERVAL, float(os.environ.get("FACEFUSION_METRICS_INTERVAL", "")))
    except ValueError:
        return _MIN_INTERVAL


def _listen() -> tuple[str, int] | None:
    host, _, port = os.environ.get("FACEFUSION_METRICS_LISTEN", "").rpartition(":")
    try:
        return (host.strip("[]") or "127.0.0.1", int(port))
    except ValueError:
        return None


def read() -> Settings:
    """Read the settings from the environment."""
    extra = os.environ.get("FACEFUSION_METRICS_EXCLUDE", "").split(",")
    token, no_token = _secret("FACEFUSION_METRICS_TOKEN")
    password, no_password = _secret("FACEFUSION_METRICS_PASSWORD")
    endpoint = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    otlp = _switch("FACEFUSION_OTLP")
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    path = "/" + os.environ.get("FACEFUSION_METRICS_PATH", "/metrics").strip("/")
    return Settings(
        enabled=_switch("FACEFUSION_METRICS"),
        path=path,
        excluded=(*DEFAULT_EXCLUDED, path, *(item.strip() for item in extra if item.strip())),
        interval=_interval(),
        listen=_listen(),
        user=os.environ.get("FACEFUSION_METRICS_USER", "prometheus"),
        password=password,
        token=token,
        otlp=not disabled and (otlp if otlp is not None else bool(endpoint)),
        otlp_endpoint=endpoint or DEFAULT_OTLP_ENDPOINT,
        layout=os.environ.get("FACEFUSION_METRICS_LAYOUT", "default"),
        locked=no_token or no_password,
    )


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings of this process."""
    return read()
