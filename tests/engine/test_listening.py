"""Speech that is hard to get at is heard all the same, and at its own time."""

from __future__ import annotations

import re

import pytest

from tests.engine.conftest import Recognize

pytestmark = [pytest.mark.engine, pytest.mark.long]


@pytest.mark.parametrize(
    ("clip", "start", "words"),
    [
        ("audio-5.1-speech-in-centre.mp4", 1.26, "good morning my name is jordi mas"),
        ("audio-starts-1.5s-late.mp4", 2.76, "good morning my name is jordi mas"),
        ("audio-8k-mono.mp4", 1.26, "good morning my name is"),
        ("audio-clipped.mp4", 1.26, "good morning my name is jord[iy] mas"),
        ("fast-speech-1.8x.mp4", 0.70, "i am from barcelona and i love"),
    ],
)
def test_it_is_heard(recognized: Recognize, clip: str, start: float, words: str) -> None:
    found = recognized(f"nasty/{clip}", target_locale="en-GB")
    assert found.source_language == "en-US"
    said = re.sub(r"\W+", " ", " ".join(line.source for line in found.lines).lower())
    assert re.search(words, said), said
    assert abs(found.lines[0].start - start) <= 0.3
