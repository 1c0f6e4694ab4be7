"""The GPUs' memory and utilization through NVML, where its package and a driver are there."""

from __future__ import annotations

from typing import Any, NamedTuple

from .guard import warn


class Reading(NamedTuple):
    """What a GPU says of itself."""

    device: str  # gpu_0, as in the common recipes
    used: int
    total: int
    utilization: int | None


class GPUs:
    """The GPUs of this machine."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._failed = False

    def read(self) -> list[Reading]:
        """Return what the GPUs say; nothing where there is no driver."""
        if self._failed:
            return []
        if self._nvml is None and not self._open():
            return []
        nvml = self._nvml
        try:
            return [self._read(index) for index in range(nvml.nvmlDeviceGetCount())]
        except nvml.NVMLError as error:
            # The driver may have been replaced: begin anew at the next reading.
            warn("gpu", f"the NVIDIA driver does not answer: {error}")
            self._nvml = None
            return []

    def _open(self) -> bool:
        try:
            import pynvml
        except ImportError:
            self._failed = True
            return False
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError:
            return False
        self._nvml = pynvml
        return True

    def _read(self, index: int) -> Reading:
        nvml = self._nvml
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        try:
            utilization = int(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
        except nvml.NVMLError:
            utilization = None  # not told for a MIG device
        return Reading(f"gpu_{index}", int(memory.used), int(memory.total), utilization)
