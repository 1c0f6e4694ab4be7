"""facefusion-observe: run a program with everything in it observed, or drop in the layout."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from . import __version__, multiprocess

_PACKAGE = Path(__file__).parent
LAYOUT = "observed.py"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="facefusion-observe",
        usage="facefusion-observe [--layout CHECKOUT] [--own] COMMAND [ARGUMENT ...]",
        description="Run a program with FaceFusion in it, or a service around it, observed from inside.",
        epilog="FACEFUSION_METRICS=0 runs the program as it is.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument(
        "--layout", metavar="CHECKOUT", type=Path, help="put the layout `observed` into a checkout"
    )
    parser.add_argument(
        "--own", action="store_true", help="each process counts for itself: no shared folder"
    )
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args(arguments)
    if given.layout is not None:
        return drop_in(given.layout)
    command = given.command[1:] if given.command[:1] == ["--"] else given.command
    if not command:
        parser.print_usage(sys.stderr)
        return 2
    return execute(command, given.own)


def drop_in(checkout: Path) -> int:
    """Put the layout into a checkout. FaceFusion finds layouts by listing that folder."""
    folder = checkout / "facefusion" / "uis" / "layouts"
    if not folder.is_dir():
        print(
            f"facefusion-observe: no FaceFusion 3 in {checkout}: {folder} is no folder",
            file=sys.stderr,
        )
        return 1
    target = folder / LAYOUT
    shutil.copyfile(_PACKAGE / "layouts" / LAYOUT, target)
    print(f"{target}: start FaceFusion with --ui-layouts {target.stem}")
    return 0


def execute(command: list[str], own: bool) -> int:
    """Become the program."""
    environment = prepared(dict(os.environ), own or _is_ui(command))
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        print(f"facefusion-observe: {command[0]}: {error.strerror}", file=sys.stderr)
        return 127 if isinstance(error, FileNotFoundError) else 126


def prepared(environment: dict[str, str], own: bool) -> dict[str, str]:
    """Return the environment in which Python observes."""
    if environment.get("FACEFUSION_METRICS", "").strip().lower() in ("0", "off", "false", "no"):
        return environment
    environment["FACEFUSION_METRICS"] = "1"
    paths = [str(_PACKAGE / "auto"), *environment.get("PYTHONPATH", "").split(os.pathsep)]
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(path for path in paths if path))
    if not own and not environment.get(multiprocess.VARIABLE):
        # Workers and the FaceFusions that they start are one page. In memory, where there is some: a
        # page of a file that is on a slow disk would hold up the request that writes to it.
        where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        folder = tempfile.mkdtemp(prefix="facefusion-metrics-", dir=where)
        environment[multiprocess.VARIABLE] = folder
        environment[multiprocess.OWNER] = str(os.getpid())
    return environment


def _is_ui(command: Sequence[str]) -> bool:
    """Whether this is FaceFusion's own UI: one process, whose page shows itself."""
    words = [os.path.basename(word) for word in command]
    return "facefusion.py" in words and "run" in words
