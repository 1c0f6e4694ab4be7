import time

import pytest

from facefusion_observability.hooks.pipeline import media, model
from facefusion_observability.privacy import mask, reason


@pytest.mark.parametrize(
    "text",
    [
        "cannot open /data/people/jane/face.jpg",
        "[Errno 2] No such file or directory: '/home/jane doe/face one.png'",
        "C:\\Users\\jane\\face.png is missing",
        "reading ~/jane/face.webp failed",
        "target jane.mp4 has no frames",
        'File "../jane.mov" is damaged',
        "copying /data/a of jane/b.mp4 to /out/c.mp4 failed",
        "cannot read target=/data/jane",
    ],
)
def test_paths_and_names_of_media_are_left_out(text):
    assert "jane" not in mask(text)


def test_the_rest_of_a_message_stays():
    assert mask("processing step 1 of 3") == "processing step 1 of 3"
    assert mask("3/20 at 5.1 frame/s") == "3/20 at 5.1 frame/s"
    assert mask("CUDA failure 700: an illegal access") == "CUDA failure 700: an illegal access"
    assert len(mask("x" * 10_000)) == 1000


def test_masking_takes_no_time_for_hostile_text():
    started = time.process_time()
    for text in ("'" * 100_000, "/" * 100_000, "a" * 100_000, "'/" * 50_000, ".a" * 50_000):
        mask(text)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (MemoryError(), "out_of_memory"),
        (RuntimeError("BFCArena::AllocateRawInternal Failed to allocate memory"), "out_of_memory"),
        (RuntimeError("CUDA out of memory"), "out_of_memory"),
        (RuntimeError("CUDA failure 700"), "gpu"),
        (OSError(28, "No space left on device"), "disk_full"),
        (BrokenPipeError(32, "Broken pipe"), "broken_pipe"),
        (TypeError("'<' not supported"), "other"),
    ],
)
def test_reasons(error, why):
    assert reason(error) == why


def test_an_exception_that_cannot_be_printed_has_a_reason_too():
    class HostileError(Exception):
        def __str__(self):
            raise ValueError

    assert reason(HostileError()) == "other"


def test_models_that_are_named_after_people_are_not_named():
    assert model(".assets/models/inswapper_128.onnx") == "inswapper_128"
    assert model(".assets/models/someone/jane_doe_224.dfm") == "deep_swapper"


def test_kinds_of_media():
    assert [media(name) for name in ("a.JPG", "b.mp4", "c.gif", "")] == ["image", "video", "other", "other"]
