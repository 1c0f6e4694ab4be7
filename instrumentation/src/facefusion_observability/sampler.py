"""One thread that reads the gauges of the machine and sends the metrics, every 15 seconds or more."""

from __future__ import annotations

import os
import threading

from . import bridge, multiprocess, otlp, page
from .gpu import GPUs
from .guard import fault, guarded
from .metrics import changing
from .settings import settings


def _cpu_times() -> tuple[int, int]:
    """Return how long the machine was busy, and how long it was there, in ticks."""
    with open("/proc/stat", encoding="ascii") as file:
        values = [int(value) for value in file.readline().split()[1:9]]
    total = sum(values)
    return total - values[3] - values[4], total  # without idle and iowait


class Sampler:
    """The thread. It is started by the first who needs it, and anew in a forked child."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._stop = threading.Event()
        self._gpus = GPUs()
        self._cpu: tuple[int, int] | None = None

    @guarded("sampler")
    def ensure(self) -> None:
        """Start the thread if this process has none. Cheap where it has."""
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid == os.getpid():
                return
            self._stop = threading.Event()
            self._thread = threading.Thread(
                target=self._run, args=(self._stop,), name="facefusion-observability", daemon=True
            )
            self._thread.start()
            self._pid = os.getpid()

    def stop(self) -> None:
        """End the thread; the next who needs it starts another."""
        self._stop.set()
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join(5)
        self._pid = 0

    def _run(self, stop: threading.Event) -> None:
        # The first CPU reading has nothing to be compared with for a second.
        delay = 1.0
        while True:
            self.turn()
            if stop.wait(delay):
                return
            delay = settings().interval

    def turn(self) -> None:
        """Read once, and send once."""
        if not multiprocess.folder():
            self._read()
            self._send()
            return
        try:
            with multiprocess.leading("sampler") as leader:
                if leader:
                    self._read()
                    self._send()
        except OSError as error:
            fault("sampler", error)

    @guarded("gauges")
    def _read(self) -> None:
        cpu = _cpu_times()
        gpus = self._gpus.read()
        before, self._cpu = self._cpu, cpu
        with changing() as metrics:
            if before is not None and cpu[1] > before[1]:
                metrics.cpu.set(round(100 * (cpu[0] - before[0]) / (cpu[1] - before[1]), 2))
            for gpu in gpus:
                metrics.gpu_used.labels(gpu.device).set(gpu.used)
                metrics.gpu_total.labels(gpu.device).set(gpu.total)
                if gpu.utilization is not None:
                    metrics.gpu_utilization.labels(gpu.device).set(gpu.utilization)

    @guarded("send")
    def _send(self) -> None:
        sending = otlp.exporters()
        if sending is not None:
            bridge.send(page.registry, sending)


sampler = Sampler()
