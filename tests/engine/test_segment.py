"""Words become sentences; word times follow the sound."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile

from apps.engine import segment
from apps.engine.align import Envelope, refine
from apps.engine.asr import Segment
from apps.engine.transcript import Line, Word


def words(text: str, start: float = 0.0, step: float = 0.3, pauses: dict[int, float] | None = None) -> list[Word]:
    """Words of 0.3 s each; pauses maps a word's number to the silence before it."""
    result, now = [], start
    for number, part in enumerate(text.split()):
        now += (pauses or {}).get(number, 0.0)
        result.append(Word(round(now, 3), round(now + step, 3), " " + part))
        now += step
    return result


def lines(text: str, pauses: dict[int, float] | None = None, by_sentence: bool = True) -> list[Line]:
    """Lines of one segment with these words."""
    parts = words(text, pauses=pauses)
    return segment.lines_of([Segment(0.0, parts[-1].end, text, parts, 1.0)], by_sentence)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Good morning. My name is Jordi.", ["Good morning.", "My name is Jordi."]),
        ("Is it? Yes! No… really.", ["Is it?", "Yes!", "No… really."]),
        ("Mr. Smith and Dr. Jones met.", ["Mr. Smith and Dr. Jones met."]),
        ("He said “stop.” Then he left.", ["He said “stop.”", "Then he left."]),
        ("It costs 3. 5 dollars.", ["It costs 3. 5 dollars."]),
        ("今天天气怎么样？ 很好。", ["今天天气怎么样？", "很好。"]),
    ],
)
def test_cut_at_sentence_ends(text: str, expected: list[str]) -> None:
    """Sentence marks cut; abbreviations and numbers do not."""
    assert [line.source for line in lines(text)] == expected


def test_cut_at_long_pauses_only() -> None:
    """Over one second cuts, 0.6 s does not; a comma left at a cut before a capital becomes a full stop."""
    found = lines("my name is Jordi, I am from Barcelona and here", {4: 1.4, 7: 0.6, 8: 1.1})
    assert [line.source for line in found] == ["my name is Jordi.", "I am from Barcelona", "and here"]
    assert [line.id for line in found] == ["l0001", "l0002", "l0003"]
    assert found[1].start == pytest.approx(4 * 0.3 + 1.4)


def test_given_timing_is_kept_when_asked() -> None:
    """Without sentence cutting the recognizer's own segments stay."""
    assert [line.source for line in lines("One. Two. Three.", by_sentence=False)] == ["One. Two. Three."]


def test_no_line_is_too_long() -> None:
    """A speaker without full stops is cut near clause ends."""
    text = " ".join(f"word{n}," if n % 20 == 19 else f"word{n}" for n in range(200))
    found = lines(text)
    assert all(line.end - line.start <= segment.MAX_SECONDS and len(line.source) <= segment.MAX_CHARS for line in found)
    assert sum(line.source.endswith(",") for line in found) >= len(found) / 2
    assert " ".join(line.source for line in found) == text


def test_marks_alone_are_no_line() -> None:
    """What holds no letter is not spoken."""
    assert lines("... ♪ Hello.")[-1].source.endswith("Hello.")
    assert lines("♪ ♪") == []


def test_word_times_follow_the_sound(tmp_path: Path) -> None:
    """A word that the recognizer stretched over a pause starts where the sound starts, and ends where it stops."""
    rate, rng = 16_000, np.random.default_rng(1)
    sound = rng.normal(0, 0.0005, 6 * rate)
    for start, end in ((0.5, 1.5), (3.0, 4.0)):
        sound[int(start * rate) : int(end * rate)] += rng.normal(0, 0.1, int((end - start) * rate))
    soundfile.write(tmp_path / "a.wav", sound, rate)
    heard = [Word(0.1, 0.9, " one"), Word(0.9, 1.3, " two"), Word(1.3, 3.4, " three"), Word(3.4, 3.8, " four")]
    fixed = refine(heard, Envelope(tmp_path / "a.wav"), 6.0)
    assert fixed[0].start == pytest.approx(0.5, abs=0.05)
    assert fixed[1].end == pytest.approx(1.5, abs=0.05)
    assert fixed[2].start == pytest.approx(3.0, abs=0.05)
    assert fixed[3].end == pytest.approx(4.0, abs=0.05)
    assert all(a.end <= b.start for a, b in itertools.pairwise(fixed))
