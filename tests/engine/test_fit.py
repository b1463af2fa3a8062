"""Fitting speech to time keeps its promises for any lines: order, room, early starts, speeds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from apps.engine import fit
from apps.engine.transcript import Line
from apps.engine.voices import VoiceSet, cast

TIMES = st.lists(st.tuples(st.floats(0, 60), st.floats(0.05, 8), st.sampled_from("ab")), min_size=1, max_size=12)
SLOT = st.builds(
    fit.Slot, start=st.floats(0, 50), length=st.floats(0.2, 8), room=st.floats(0.2, 12), lead=st.floats(0, 0.25)
)


def lines_of(times: list[tuple[float, float, str]]) -> list[Line]:
    made = [
        Line(id=f"l{n}", start=round(s, 3), end=round(s + d, 3), target="x", speaker=who)
        for n, (s, d, who) in enumerate(times)
    ]
    return sorted(made, key=lambda line: (line.start, line.end, line.id))


@given(times=TIMES)
def test_a_line_never_reaches_the_next_one_of_its_speaker(times: list[tuple[float, float, str]]) -> None:
    lines = lines_of(times)
    duration = max(line.end for line in lines)
    slots = fit.slots(lines, duration)
    for index, (line, slot) in enumerate(zip(lines, slots, strict=True)):
        assert 0 <= slot.lead <= fit.MAX_LEAD
        assert slot.length <= max(line.end - line.start, fit.MIN_SLOT) + 0.001
        following = [
            i for i in range(index + 1, len(lines)) if lines[i].speaker == line.speaker and lines[i].start > line.start
        ]
        if following and slot.room > fit.MIN_SLOT:
            other = following[0]
            assert line.start + slot.room <= lines[other].start - slots[other].lead + 0.002
        if slot.lead:
            assert max((before.end for before in lines[:index]), default=0.0) <= line.start - slot.lead + 0.002


@given(natural=st.floats(0.1, 30), slot=SLOT)
def test_speed_and_tempo_stay_inside_their_limits_and_are_no_faster_than_needed(natural: float, slot: fit.Slot) -> None:
    speed = fit.speed_for(natural, slot, 0.92, 1.3)
    assert 0.92 <= speed <= 1.3
    if natural <= slot.length:
        assert speed <= 1.0
    elif natural <= slot.room:
        assert speed <= fit.GENTLE
    seconds = natural / speed
    tempo, lead = fit.tempo_for(seconds, slot)
    assert 1.0 <= tempo <= fit.MAX_TEMPO
    assert 0 <= lead <= slot.lead + 0.001
    if seconds <= slot.room:
        assert (tempo, lead) == (1.0, 0.0)
    if tempo < fit.MAX_TEMPO:
        assert seconds / tempo <= slot.room + lead + 0.01 * seconds


def test_a_line_may_use_the_silence_after_it_but_not_another_voices_time() -> None:
    spoken = [("a", 1.0, 2.0, "s1"), ("b", 4.0, 5.0, "s2"), ("c", 6.0, 7.0, "s1")]
    lines = [Line(id=name, start=start, end=end, speaker=who) for name, start, end, who in spoken]
    first, second, third = fit.slots(lines, 10.0)
    assert 2.5 < first.room < 3.0
    assert 1.5 < second.room < 2.0
    assert third.room == 4.0


def test_voices_are_of_the_speakers_kind_differ_and_stay() -> None:
    voices = VoiceSet("kokoro", "pt-br", ("f1", "f2"), ("m1", "m2"))
    chosen = cast(voices, ["s1", "s2", "s3"], {"s1": "male", "s2": "female", "s3": "male"})
    assert chosen == {"s1": "m1", "s2": "f1", "s3": "m2"}
    assert cast(voices, ["s3", "s1", "s2"], {"s1": "male", "s2": "female", "s3": "male"}) == chosen
    assert set(cast(voices, ["s1", "s2"], {}).values()) == {"m1", "f1"}
