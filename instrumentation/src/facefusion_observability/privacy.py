"""What is left out of spans and logs: paths, which name people, and values of any length."""

from __future__ import annotations

import re

_QUOTED = re.compile(r"""'[^'\n]*[/\\.][^'\n]*'|"[^"\n]*[/\\.][^"\n]*\"""")
_MEDIUM = re.compile(
    r"\.(?:png|jpe?g|webp|bmp|gif|tiff?|mp4|mov|mkv|avi|webm|m4v|mp3|wav|flac|ogg|m4a)\b", re.IGNORECASE
)
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")
_AROUND = "'\"()[]{}<>,;:="
_LONGEST = 1000


def mask(text: str) -> str:
    """Return a text without what looks like a path or the name of a medium.

    Paths may hold spaces: what stands between two of them is left out, too.
    """
    words = _QUOTED.sub("<path>", text[:_LONGEST]).split(" ")
    found = [number for number, word in enumerate(words) if _is_path(word)]
    if found:
        words[found[0] : found[-1] + 1] = ["<path>"]
    return " ".join(words)


def _is_path(word: str) -> bool:
    word = word.strip(_AROUND)
    slashes = word.count("/") + word.count("\\")
    return bool(
        (slashes and (word[0] in "/\\~." or slashes > 1 or "." in word))
        or _DRIVE.match(word)
        or _MEDIUM.search(word)
    )


# What a person can act on, in the order in which it is looked for.
_REASONS = (
    (
        "out_of_memory",
        re.compile(r"out of memory|failed to allocate|bfcarena|alloc_failed|cannot allocate", re.I),
    ),
    ("disk_full", re.compile(r"no space left|\[errno 28\]|disk quota", re.I)),
    ("gpu", re.compile(r"cuda|cudnn|cublas|tensorrt|hip error|migraphx", re.I)),
    ("broken_pipe", re.compile(r"broken pipe|\[errno 32\]", re.I)),
)


def reason(error: BaseException) -> str:
    """Return why an exception happened, out of a fixed set."""
    if isinstance(error, MemoryError):
        return "out_of_memory"
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:
        return "other"
    for name, pattern in _REASONS:
        if pattern.search(text[:4000]):
            return name
    return "other"
