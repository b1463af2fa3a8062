"""Mouth shapes over time out of the speech itself: loudness and formants, and the sounds of the words where words are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.engine.lipsync.alignment import place_words
from apps.engine.lipsync.hearing import RATE, STEP, Heard, bell, boxed, listen
from apps.engine.lipsync.types import MouthTrack
from apps.engine.transcript import Word

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

QUIET = 0.05
"""Level (of the speaker's loud vowel, -26 dB) below which nobody speaks."""

PAUSE = 0.11
"""A quiet stretch of this many seconds is a pause: the mouth closes. Shorter ones are stops inside words."""

EXPONENT = 0.7
"""How loudness becomes opening: below 1, because soft vowels are opened nearly as wide as loud ones."""

SMOOTH = 0.030
"""Standard deviation in seconds of what the lips blur together: neighbouring sounds colour each other."""

SHAPE_SMOOTH = 0.045
LEAD = 0.020
"""Lips move before the sound comes, by so many seconds."""

SPEED = 9.0
"""At most so much of the whole opening in a second, both ways."""

CLOSED_BELOW = 0.06


class Plan(NamedTuple):
    """What the mouth is to do every STEP seconds, before the lips' inertia; `shut` is 0 free .. 1 lips pressed together."""

    open: Floats
    width: Floats
    round: Floats
    shut: Floats


def mouth_track(
    sound: NDArray[np.float32],
    fps: float,
    frames: int,
    words: Sequence[Word] | None = None,
    language: str = "",
) -> MouthTrack:
    """The mouth of a speaker for `frames` pictures at `fps`, from mono sound at 16 kHz whose start is the first picture's.

    With words (times in seconds of the sound) and their language the sounds of the words shape the lips, else what can be heard
    does. Sound that ends early leaves the mouth at rest. The same input always gives the same track.
    """
    if fps <= 0 or frames < 0:
        raise ValueError("fps must be above 0 and frames not below")
    needed = int(np.ceil(frames / fps * RATE))
    sound = np.asarray(sound, np.float32)[:needed]
    heard = listen(np.pad(sound, (0, max(0, RATE // 10 - len(sound)))))
    silent = silence(heard)
    plan = by_ear(heard)
    if words:
        plan = _by_words(plan, heard, words, language)
    return _lips(plan, silent, fps, frames)


def silence(heard: Heard) -> Flags:
    """True where nobody speaks: quiet for at least PAUSE seconds."""
    quiet = boxed(heard.level, 3) < QUIET
    return _long_enough(quiet, round(PAUSE / STEP))


def by_ear(heard: Heard) -> Plan:
    """The plan from what is heard alone."""
    level = np.clip(heard.level, 0.0, 1.25) ** EXPONENT
    jaw = 0.72 + 0.4 * heard.first
    hiss = np.clip(boxed(heard.bright, 3) * 1.6 - 0.35, 0.0, 1.0)
    vocal = boxed(np.clip((heard.voiced - 0.3) / 0.4, 0.0, 1.0).astype(np.float32), 3)
    murmur = np.clip((boxed(heard.murmur, 3) - 0.8) / 0.15, 0.0, 1.0) * (heard.level < 0.7)
    opened = level * jaw * (1.0 - 0.6 * hiss) * (0.55 + 0.45 * vocal) * (1.0 - 0.5 * murmur)
    side = 2.0 * heard.second - 1.0
    # a high second formant with a low first one is spread ("ee"), a low one with a low first one is rounded ("oo")
    near = 1.0 - heard.first
    width = np.where(side > 0, side * (0.45 + 0.45 * near), side * (0.3 + 0.5 * near))
    rounding = np.clip(-side, 0.0, 1.0) * (0.25 + 0.75 * near)
    said = np.clip(heard.level / 0.2, 0.0, 1.0) * vocal
    return Plan(
        open=np.clip(opened, 0.0, 1.0).astype(np.float32),
        width=(width * said).astype(np.float32),
        round=(rounding * said).astype(np.float32),
        shut=np.maximum(_labial_stops(heard), _labial_hums(heard)),
    )


def _labial_stops(heard: Heard) -> Floats:
    """Where the sound stops short and bursts without brightness, as in p and b; t bursts bright, k in between."""
    shut = np.zeros(len(heard), np.float32)
    level = boxed(heard.level, 3)
    low = level < 0.22
    for start, end in _runs(low):
        if not 3 <= end - start <= 16 or start < 8 or end + 8 > len(level):
            continue
        before, after = float(level[start - 8 : start].max()), float(level[end : end + 8].max())
        dip = float(level[start:end].min())
        if dip > 0.35 * min(before, after) or after < 0.3:
            continue
        if float(heard.bright[max(start, end - 4) : end + 3].max()) < 0.12:
            shut[start:end] = 1.0
    return shut


def _labial_hums(heard: Heard) -> Floats:
    """Where a vowel is cut off to a hum with nearly all energy below 400 Hz, as in m between vowels (some n are taken along)."""
    shut = np.zeros(len(heard), np.float32)
    hum = (boxed(heard.murmur, 3) > 0.93) & (heard.voiced > 0.6) & (heard.level > 0.06) & (heard.level < 0.75)
    for start, end in _runs(hum):
        if 4 <= end - start <= 20:
            shut[start:end] = 1.0
    return shut


def _by_words(plan: Plan, heard: Heard, words: Sequence[Word], language: str) -> Plan:
    """Where sounds are known they decide on the shape and the closures, and loudness on how far the mouth goes."""
    known = place_words(words, language, heard)
    if known is None:
        return plan
    level = np.clip(heard.level, 0.0, 1.25) ** EXPONENT
    opened = level * (0.3 + 0.85 * known.open)
    said = np.clip(heard.level / 0.15, 0.0, 1.0)
    return Plan(
        open=np.where(known.there, np.clip(opened, 0.0, 1.0), plan.open).astype(np.float32),
        width=np.where(known.there, known.width * said, plan.width).astype(np.float32),
        round=np.where(known.there, known.round * said, plan.round).astype(np.float32),
        shut=np.where(known.there, known.lips, plan.shut).astype(np.float32),
    )


def _lips(plan: Plan, silent: Flags, fps: float, frames: int) -> MouthTrack:
    """The plan as lips can do it, one value per picture."""
    sigma = max(SMOOTH, 0.35 / fps) / STEP
    rest = silent.astype(np.float32)
    opened = bell(plan.open * (1.0 - rest), sigma)
    width, rounding = (bell(part, SHAPE_SMOOTH / STEP) for part in (plan.width, plan.round))
    press = np.minimum(1.0, 1.15 * bell(plan.shut, 1.5))
    opened = opened * (1.0 - press) * (1.0 - _inside(rest))
    per_picture = SPEED / fps
    times = (np.arange(frames, dtype=np.float64) + 0.5) / fps + LEAD
    grid = np.arange(len(opened)) * STEP
    shown = np.interp(times, grid, opened, right=0.0)
    held = _worst(np.maximum(press, 0.0), times, fps) > 0.9
    quiet = np.interp(times, grid, rest, right=1.0) > 0.5
    shown = np.where(held | quiet, np.minimum(shown, 0.0), shown)
    shown = _gentle(shown, per_picture)
    closed = (shown < CLOSED_BELOW) & (held | quiet | (shown < 0.01))
    return MouthTrack(
        fps=fps,
        open=np.where(closed, 0.0, shown).astype(np.float32),
        width=np.clip(np.interp(times, grid, width, right=0.0), -1.0, 1.0).astype(np.float32),
        round=np.clip(np.interp(times, grid, rounding, right=0.0), 0.0, 1.0).astype(np.float32),
        closed=closed,
    )


def _inside(rest: Floats) -> Floats:
    """1 well inside a pause, falling to 0 at its ends, so that the mouth is shut there and moves only at the edges."""
    return np.asarray(np.clip(2.0 * bell(rest, 2.5) - 1.0, 0.0, 1.0), np.float32)


def _worst(press: Floats, times: NDArray[np.floating], fps: float) -> Floats:
    """The firmest closure within each picture's time: one that falls between two pictures must be seen on one."""
    half = max(1, round(0.5 / fps / STEP))
    padded = np.pad(press, half)
    widest = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1).max(axis=1)
    index = np.round(times / STEP).astype(int)
    return np.where(index < len(widest), widest[np.minimum(index, len(widest) - 1)], 0.0).astype(np.float32)


def _gentle(values: NDArray[np.floating], step: float) -> Floats:
    """Never more than `step` from one value to the next; only ever lowered, so closures stay closed."""
    result = np.asarray(values, np.float64).copy()
    for index in range(1, len(result)):
        result[index] = min(result[index], result[index - 1] + step)
    for index in range(len(result) - 2, -1, -1):
        result[index] = min(result[index], result[index + 1] + step)
    return result.astype(np.float32)


def _runs(flags: Flags) -> list[tuple[int, int]]:
    """Start and end (excluded) of each stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _long_enough(flags: Flags, least: int) -> Flags:
    kept = np.zeros(len(flags), np.bool_)
    for start, end in _runs(flags):
        if end - start >= least or start == 0 or end == len(flags):
            kept[start:end] = True
    return kept
