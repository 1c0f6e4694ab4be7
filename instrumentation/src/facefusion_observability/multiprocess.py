"""Several processes, one page: workers of a server, and the FaceFusions that they start.

prometheus_client keeps the values of each process in files of a folder, and adds them up for a page.
Here is what it leaves to others: disk is taken before it is written to, and files of processes that
are gone are added up into one, as a service that starts a FaceFusion for each request would leave
some more with each.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from .guard import warn

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
# The process that removes the folder when it ends: the one that facefusion-observe has become.
OWNER = "FACEFUSION_METRICS_OWNER"

# The kinds of values in metrics.py, and bytes that the bounds of our labels keep each file within.
_SIZE = 1 << 18
_SIZES = {
    "counter": _SIZE,
    "histogram": 1 << 19,
    "gauge_livesum": 1 << 16,
    "gauge_livemax": 1 << 16,
    "gauge_livemostrecent": 1 << 16,
}
_FILE = re.compile(r"(counter|histogram|summary|gauge_[a-z]+)_([0-9]+)\.db")


def folder() -> str:
    """Return the folder that processes share, or nothing."""
    return os.environ.get(VARIABLE, "")


def prepare() -> None:
    """Get the folder ready, or do without where that cannot be."""
    if not folder():
        return
    try:
        os.makedirs(folder(), mode=0o700, exist_ok=True)
        _preallocate()
        if os.environ.get(OWNER) == str(os.getpid()):
            atexit.register(_remove, folder(), os.getpid())
    except OSError as error:
        warn("multiprocess", f"each process counts for itself: {error.strerror} at {VARIABLE}")
        del os.environ[VARIABLE]


def _remove(path: str, pid: int) -> None:
    if os.getpid() == pid:  # not a child that was forked
        shutil.rmtree(path, ignore_errors=True)


def preallocate() -> bool:
    """Take disk for the values of a process that was forked, and say whether there is some."""
    try:
        if folder():
            _preallocate()
        return True
    except OSError as error:
        warn("multiprocess", f"nothing is counted in this process: {error.strerror} at {VARIABLE}")
        return False


def _preallocate() -> None:
    for kind, size in _SIZES.items():
        _allocate(os.path.join(folder(), f"{kind}_{os.getpid()}.db"), size)


def _allocate(path: str, size: int) -> None:
    # prometheus_client maps sparse files: on a full disk the first write to a page of one would be a
    # SIGBUS, which ends the process.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_size < size:
            os.posix_fallocate(descriptor, 0, size)
    except OSError:
        os.unlink(path)
        raise
    finally:
        os.close(descriptor)


@contextmanager
def exclusive() -> Iterator[None]:
    """Hold the folder's lock: while files are added up, a page would count them twice."""
    with open(os.path.join(folder(), "page.lock"), "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def leading(name: str) -> Iterator[bool]:
    """Say whether this process is the one that does something for all of them."""
    with open(os.path.join(folder(), name + ".lock"), "a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


def sweep() -> None:
    """Add the files of processes that are gone up into one. A page does so before it reads."""
    for kind, path in _gone():
        if kind in ("counter", "histogram", "summary"):
            total = os.path.join(folder(), f"{kind}_gone.db")
            _allocate(total, _SIZES.get(kind, _SIZE))
            _add(path, total)
            os.unlink(path)
        elif kind.startswith("gauge_live"):
            os.unlink(path)


def _gone() -> Iterator[tuple[str, str]]:
    for name in sorted(os.listdir(folder())):
        match = _FILE.fullmatch(name)
        if match is None:
            continue
        try:
            os.kill(int(match[2]), 0)
        except ProcessLookupError:
            yield match[1], os.path.join(folder(), name)
        except OSError:
            pass  # another user's: alive


def _add(path: str, total: str) -> None:
    from prometheus_client.mmap_dict import MmapedDict

    sums = MmapedDict(total)
    try:
        for key, value, timestamp, _ in MmapedDict.read_all_values_from_file(path):
            sums.write_value(key, sums.read_value(key)[0] + value, timestamp)
    finally:
        sums.close()
