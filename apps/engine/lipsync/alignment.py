"""Which sound of a word is spoken when: its visemes laid over what is heard between the word's times, by dynamic programming."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.engine.lipsync.hearing import STEP, Heard
from apps.engine.lipsync.visemes import SILENT, Viseme, spoken_as
from apps.engine.transcript import Word

Floats = NDArray[np.float32]

EXPECTED = {
    "vowel": (0.75, 0.95, 0.03),
    "glide": (0.5, 0.9, 0.03),
    "nasal": (0.35, 0.9, 0.02),
    "hiss": (0.15, 0.4, 0.5),
    "stop": (0.08, 0.5, 0.1),
    "rest": (0.0, 0.45, 0.0),
}
"""Level, voicing and brightness that a kind of sound usually has."""

WEIGHTS = (2.0, 1.0, 1.5)
OFF_PLACE = 0.6
"""What it costs to be a whole usual length away from where the usual lengths put a sound, per value."""

MOST_DISPLACED = 3.0
STILL_BELOW = 0.05

MOST_FRAMES = 2000  # what is said to be longer than 20 seconds is no phrase; only its first part is laid out


@dataclass
class Placed:
    """Shapes of known sounds every STEP seconds; `there` is False where no word is known."""

    open: Floats
    width: Floats
    round: Floats
    lips: Floats
    there: NDArray[np.bool_]


def place_words(words: Sequence[Word], language: str, heard: Heard) -> Placed | None:
    """The shapes of all words (a word may be a whole phrase, with pauses in it).

    None when none of them can be spelled out (an unknown language, no espeak-ng).
    """
    sounds = spoken_as([word.text for word in words], language)
    if not any(sounds):
        return None
    count = len(heard)
    opened, width, rounding, lips = np.zeros((4, count), np.float32)
    placed = Placed(opened, width, rounding, lips, np.zeros(count, np.bool_))
    for word, visemes in zip(words, sounds, strict=True):
        first, last = max(0, round(word.start / STEP)), min(count, round(word.end / STEP))
        last = min(last, first + MOST_FRAMES)
        if not visemes or last - first < len(visemes):
            continue
        owner = _lay(visemes, heard, first, last)
        shapes = np.array([viseme[:4] for viseme in visemes], np.float32)[owner]
        span = slice(first, last)
        placed.open[span], placed.width[span], placed.round[span], placed.lips[span] = shapes.T
        placed.there[span] = True
    return placed


def _lay(visemes: Sequence[Viseme], heard: Heard, first: int, last: int) -> NDArray[np.intp]:
    """The number of the viseme at each moment of first..last: in order, each at least once (pauses may be left out), cheapest in all."""
    span = slice(first, last)
    seen = np.stack([heard.level[span], heard.voiced[span], heard.bright[span]], axis=1)
    wanted = np.array([EXPECTED[viseme.kind] for viseme in visemes])
    cost = (np.abs(np.minimum(seen, 1.0)[:, None] - wanted[None]) * np.array(WEIGHTS)).sum(axis=2)
    pause = np.array([viseme is SILENT for viseme in visemes])
    cost += np.where(pause, 0.0, OFF_PLACE * np.minimum(_displaced(visemes, pause, heard.level[span]), MOST_DISPLACED))
    count, length = len(visemes), last - first
    best = np.full(count, np.inf)
    best[0] = cost[0, 0]
    steps = np.zeros((length, count), np.int8)
    skips = np.concatenate([[False, False], pause[1:-1]])[:count]
    for moment in range(1, length):
        one = np.concatenate([[np.inf], best[:-1]])
        two = np.where(skips, np.concatenate([[np.inf, np.inf], best[:-2]])[:count], np.inf)
        ways = np.stack([best, one, two])
        steps[moment] = ways.argmin(axis=0)
        best = ways.min(axis=0) + cost[moment]
    owner = np.empty(length, np.intp)
    number = count - 1
    for moment in range(length - 1, -1, -1):
        owner[moment] = number
        number -= int(steps[moment, number])
    return owner


def _displaced(visemes: Sequence[Viseme], pause: NDArray[np.bool_], level: Floats) -> NDArray[np.float64]:
    """How many usual lengths each moment lies outside the place that the usual lengths give each sound; pauses take no time here."""
    usual = np.where(pause, 0.0, [viseme.length for viseme in visemes])
    clock = np.cumsum(np.where(level > STILL_BELOW, 1.0, 0.02))
    bounds = np.concatenate([[0.0], np.cumsum(usual)]) / usual.sum() * clock[-1]
    away = np.abs(clock[:, None] - (bounds[1:] + bounds[:-1])[None] / 2) - np.diff(bounds)[None] / 2
    return np.asarray(np.maximum(away, 0.0) * STEP / np.maximum(usual[None], 0.02))
