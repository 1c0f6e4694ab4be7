"""The families, under the names that the common recipes for FaceFusion services use.

What only the inside knows has the prefix `facefusion_inside_`, so that it never meets a name of the
receiver's. Values of labels come from fixed or bounded sets; there is no user, path or id in them.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from . import __version__, guard, multiprocess
from .guard import warn

# Before prometheus_client is imported: it decides at its import how values are kept.
multiprocess.prepare()

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram  # noqa: E402
from prometheus_client.metrics import MetricWrapperBase  # noqa: E402

M = TypeVar("M", bound=MetricWrapperBase)

# From a health check to a video. A request to a service lasts as long as the swap.
REQUEST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
STEP_BUCKETS = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)
MODEL_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

OUTCOMES = {0: "completed", 1: "failed", 2: "rejected", 3: "declined", 4: "stopped"}
STATES = ("pending", "checking", "processing", "stopping")
PHASES = ("analysing", "extracting", "processing", "merging", "streaming")

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))

# How many values of an open set are kept; what comes later is `other`.
MOST_ROUTES, MOST_EXCEPTIONS, MOST_MODELS = 100, 30, 60


class Bounded:
    """An open set of values for a label, of which the first ones are kept."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        """Return the value, or `other` when there are too many."""
        if value in self._known:
            return value
        if len(self._known) >= self._most:
            return "other"
        self._known.add(value)
        return value


class Closed:
    """The gate of a process that has no disk for its values: nothing is changed any more."""

    def __enter__(self) -> bool:
        raise OSError(errno.ENOSPC, "no disk for the values of this process")

    def __exit__(self, *error: object) -> None:
        pass

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Say that it cannot be had."""
        return False

    def release(self) -> None:
        """Do nothing."""


class Families:
    """All families of this process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        # Held while a value is changed, and by fork: prometheus_client's own locks would stay locked
        # in a child that is forked while another thread holds one.
        self.gate: threading.Lock | Closed = threading.Lock()
        self._routes = Bounded(MOST_ROUTES)
        self.exception = Bounded(MOST_EXCEPTIONS)
        self.model = Bounded(MOST_MODELS)
        self.mine: list[MetricWrapperBase] = []
        self._requests_cache: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}
        self._exemplar_times: dict[tuple[str, str, str], float] = {}
        self._define()

    def _define(self) -> None:
        self.requests = self._add(
            Counter("http_requests", "HTTP requests.", ("method", "handler", "status"), registry=None)
        )
        self.request_duration = self._add(
            Histogram(
                "http_request_duration_seconds",
                "How long HTTP requests took.",
                ("method", "handler"),
                buckets=REQUEST_BUCKETS,
                registry=None,
            )
        )
        self.active = self._add(
            Gauge(
                "facefusion_active_tasks",
                "Steps of FaceFusion that run now.",
                multiprocess_mode="livesum",
                registry=None,
            )
        )
        self._define_inside()
        self._define_machine()

    def _define_inside(self) -> None:
        inside = "facefusion_inside_"
        self.steps = self._add(
            Counter(
                inside + "steps",
                "Steps that ended, by FaceFusion's exit code.",
                ("exit_code", "outcome"),
                registry=None,
            )
        )
        self.step_duration = self._add(
            Histogram(
                inside + "step_duration_seconds",
                "How long steps took.",
                ("outcome",),
                buckets=STEP_BUCKETS,
                registry=None,
            )
        )
        self.exceptions = self._add(
            Counter(
                inside + "exceptions",
                "Exceptions that left a step or a request.",
                ("exception_type", "reason"),
                registry=None,
            )
        )
        self.frames = self._add(
            Counter(inside + "frames", "Frames done, by phase.", ("phase",), registry=None)
        )
        self.phase_duration = self._add(
            Histogram(
                inside + "phase_duration_seconds",
                "How long the phases of steps took.",
                ("phase",),
                buckets=STEP_BUCKETS,
                registry=None,
            )
        )
        self.state = self._add(
            Gauge(
                inside + "process_state",
                "1 for the state that FaceFusion's process manager is in.",
                ("state",),
                multiprocess_mode="livemax",
                registry=None,
            )
        )
        self.model_load = self._add(
            Histogram(
                inside + "model_load_duration_seconds",
                "How long models took to load.",
                ("model",),
                buckets=MODEL_BUCKETS,
                registry=None,
            )
        )
        self.model_failures = self._add(
            Counter(inside + "model_load_failures", "Models that did not load.", registry=None)
        )
        self.declined = self._add(
            Counter(
                inside + "content_declined",
                "Steps that the content filter declined.",
                registry=None,
            )
        )
        self.info = self._add(
            Gauge(
                inside + "info",
                "1, with the versions of FaceFusion and of this package.",
                ("facefusion_version", "observability_version"),
                multiprocess_mode="livemax",
                registry=None,
            )
        )
        self.errors = self._add(
            Counter(inside + "errors", "Faults of this package.", ("where",), registry=None)
        )

    def _define_machine(self) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return self._add(Gauge(name, text, labels, multiprocess_mode="livemostrecent", registry=None))

        self.gpu_used = gauge("gpu_memory_used_bytes", "Memory of a GPU in use.", "device")
        self.gpu_total = gauge("gpu_memory_total_bytes", "Memory of a GPU.", "device")
        self.gpu_utilization = gauge(
            "facefusion_gpu_utilization", "Utilization of a GPU in percent.", "device"
        )
        self.cpu = gauge("system_cpu_percent", "CPU time of the machine in use, in percent.")

    def _add(self, metric: M) -> M:
        """Register a family, unless the program has one of that name: then it keeps its own."""
        try:
            self._registry.register(metric)
            self.mine.append(metric)
        except ValueError:
            names = [family.name for family in metric.describe()]
            warn(
                "metric " + "".join(names),
                f"{names} is made by the program itself, and is left to it",
            )
        return metric

    def ready(self, version: str = "") -> None:
        """Begin with zeros: a rate needs a value before the first one that counts."""
        with self.gate:
            for code, outcome in OUTCOMES.items():
                self.steps.labels(str(code), outcome)
            for state in STATES:
                self.state.labels(state).set(1 if state == "pending" else 0)
            for phase in PHASES:
                self.frames.labels(phase)
            if version:
                self.info.labels(version, __version__).set(1)

    def request(self, method: str, handler: str, status: int, seconds: float, trace: str) -> None:
        """Count a request. The trace, if there is one to be found, may become the exemplar."""
        if method not in METHODS:
            method = "other"
        if self._routes(f"{method} {handler}") == "other":
            handler = "other"
        group = f"{status // 100}xx"
        key = (method, handler, group)
        exemplar = {"trace_id": trace} if trace and self._exemplary(key, status, seconds) else None
        with self.gate:
            found = self._requests_cache.get(key)
            if found is None:
                found = self._requests_cache[key] = (
                    self.requests.labels(method, handler, group),
                    self.request_duration.labels(method, handler),
                )
            found[0].inc(1, exemplar)
            found[1].observe(seconds, exemplar)

    def _exemplary(self, key: tuple[str, str, str], status: int, seconds: float) -> bool:
        """Whether a request is to be an exemplar, which costs as much as a span's half.

        A page shows the last one of each series: of requests that are neither slow nor failed, one a second
        will do.
        """
        if status >= 500 or seconds >= 1:
            return True
        now = time.monotonic()
        if now - self._exemplar_times.get(key, -1.0) < 1:
            return False
        self._exemplar_times[key] = now
        return True

    def set_state(self, state: str) -> None:
        """Make a state of FaceFusion's process manager the current one."""
        if state not in STATES:
            return
        with self.gate:
            for other in STATES:
                self.state.labels(other).set(1 if other == state else 0)


_families: Families | None = None
_making = threading.Lock()


def families() -> Families:
    """Return the families of this process. They are made at the first call."""
    global _families
    if _families is None:
        with _making:
            if _families is None:
                _families = Families(REGISTRY)
                guard.on_fault = _count_fault
                os.register_at_fork(
                    before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child
                )
    return _families


@contextmanager
def changing() -> Iterator[Families]:
    """Give the families for a change of a value, in a way that a fork cannot cut in two."""
    metrics = families()
    with metrics.gate:
        yield metrics


def _count_fault(where: str) -> None:
    metrics = _families
    # The fault may be one of a change that holds the gate.
    if metrics is not None and metrics.gate.acquire(timeout=0.1):
        try:
            metrics.errors.labels(where).inc()
        finally:
            metrics.gate.release()


# Held while values are read for a page. The lock is another one than the gate, so that no request
# waits for a page; a fork waits for both.
_reading = threading.Lock()


@contextmanager
def reading() -> Iterator[None]:
    """Read values: one page at a time, and none while the process forks."""
    lock = _reading
    with lock:
        yield


_held: list[threading.Lock | Closed] = []


def _before_fork() -> None:
    # A change of a value takes microseconds, a page milliseconds. Whatever happens, the fork goes on.
    if _families is not None:
        for lock in (_families.gate, _reading):
            if lock.acquire(timeout=1):
                _held.append(lock)


def _after_fork() -> None:
    while _held:
        _held.pop().release()


def _in_child() -> None:
    global _reading
    _held.clear()
    _reading = threading.Lock()
    if _families is not None:
        _families.gate = threading.Lock() if multiprocess.preallocate() else Closed()
