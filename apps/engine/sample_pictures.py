"""Pictures and music of the sample clip, drawn and played with nothing but arithmetic: a boat crosses a bay at sunrise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
WIDTH, HEIGHT, FPS = 1280, 720, 25

PAPER = (250, 249, 246)
GLOW = (251, 241, 220)
SUN = (230, 178, 90)
WAVES = ((197, 204, 247), (122, 137, 232), (43, 63, 208))  # far to near
INK = (27, 26, 23)
SAIL = (200, 85, 61)
SECOND_SAIL = (231, 227, 218)
HORIZON = 430
BAND = 24  # rows above and below a wave's level that its crest can reach


def frames(seconds: float) -> Iterator[NDArray[np.uint8]]:
    """RGB pictures, HEIGHT x WIDTH x 3, FPS to the second."""
    count = round(seconds * FPS)
    rows = np.arange(HEIGHT, dtype=np.float32)[:, None]
    columns = np.arange(WIDTH, dtype=np.float32)[None, :]
    for number in range(count):
        yield _frame(number / FPS, number / max(1, count - 1), rows, columns)


def _frame(time: float, share: float, rows: Picture, columns: Picture) -> NDArray[np.uint8]:
    picture = np.empty((HEIGHT, WIDTH, 3), np.float32)
    picture[:] = PAPER
    sun_x, sun_y = 930 - 40 * share, 395 - 190 * share
    _disc(picture, sun_x, sun_y, 150, GLOW)
    _disc(picture, sun_x, sun_y, 84, SUN)
    boat_x = 160 + 900 * (share**1.08)
    for depth, colour in enumerate(WAVES):
        level = HORIZON + 74 * depth + _swell(columns, time, depth)
        if depth == 2:
            _boat(picture, rows, columns, boat_x, time)
        top = HORIZON + 74 * depth - BAND
        cover = np.clip(rows[top : top + 2 * BAND] - level + 0.5, 0, 1)[..., None]
        band = picture[top : top + 2 * BAND]
        band += (np.array(colour, np.float32) - band) * cover
        picture[top + 2 * BAND :] = colour
    return np.clip(picture, 0, 255).astype(np.uint8)


def _swell(columns: Picture, time: float, depth: int) -> Picture:
    """Height of a wave line at every column; near waves are longer, higher and faster."""
    size = 5.0 + 4.0 * depth
    drift = time * (26 + 22 * depth)
    wave = size * np.sin((columns + drift) / (70 + 45 * depth)) + 0.4 * size * np.sin(
        (columns - 1.7 * drift) / (31 + 17 * depth) + depth
    )
    return np.asarray(wave, np.float32)


def _disc(picture: Picture, x: float, y: float, radius: float, colour: tuple[int, int, int]) -> None:
    left, right = max(0, int(x - radius - 2)), min(WIDTH, int(x + radius + 2))
    top, bottom = max(0, int(y - radius - 2)), min(HEIGHT, int(y + radius + 2))
    across = np.arange(left, right, dtype=np.float32)[None, :] - x
    down = np.arange(top, bottom, dtype=np.float32)[:, None] - y
    cover = np.clip(radius - np.hypot(across, down) + 0.5, 0, 1)[..., None]
    part = picture[top:bottom, left:right]
    part += (np.array(colour, np.float32) - part) * cover


def _boat(picture: Picture, rows: Picture, columns: Picture, x: float, time: float) -> None:
    """Hull and two sails, rocking with the wave under it."""
    y = HORIZON + 142 + float(_swell(np.array([[x]], np.float32), time, 2)[0, 0])
    lean = 0.05 * np.sin(time * 1.3)
    left, right, top, bottom = max(0, int(x - 150)), min(WIDTH, int(x + 150)), int(y - 250), min(HEIGHT, int(y + 50))
    across, down = columns[:, left:right] - x, rows[top:bottom] - y
    u, v = across * np.cos(lean) + down * np.sin(lean), down * np.cos(lean) - across * np.sin(lean)
    part = picture[top:bottom, left:right]
    _fill(part, [v + 34, 26 - v, 104 - 0.9 * v - u - 14, u + 104 - 0.9 * v - 14], INK)
    _fill(part, [u - 6, -42 - v, v + 226 - 2.1 * (u - 6)], SAIL)
    _fill(part, [-4 - u, -42 - v, v + 196 + 2.6 * (u + 4)], SECOND_SAIL)
    _fill(part, [u + 3, 3 - u, v + 236, -34 - v], INK)


def _fill(part: Picture, insides: list[Picture], colour: tuple[int, int, int]) -> None:
    """Paint where every half plane is positive, with soft edges."""
    cover = np.clip(np.minimum.reduce(np.broadcast_arrays(*insides)) + 0.5, 0, 1)[..., None]
    part += (np.array(colour, np.float32) - part) * cover


def music(seconds: float, rate: int) -> NDArray[np.float32]:
    """A quiet bed, stereo: slow chords with a plucked figure over them."""
    out = np.zeros((round(seconds * rate), 2), np.float32)
    chords = ((48, 55, 64, 71), (45, 52, 60, 67), (41, 53, 60, 69), (43, 50, 59, 65))
    bar = 3.6
    for number in range(int(seconds / bar) + 1):
        chord = chords[number % len(chords)]
        for place, note in enumerate(chord):
            _add(out, rate, number * bar, _pad(note, bar + 1.2, rate) * 0.05, 0.35 + 0.1 * place)
        for step in range(8):
            note = chord[(step * 3) % 4] + 12 + (12 if step % 4 == 3 else 0)
            _add(out, rate, number * bar + step * bar / 8, _pluck(note, rate) * 0.075, 0.65 if step % 2 else 0.35)
    edge = round(1.5 * rate)
    out[:edge] *= np.linspace(0, 1, edge, dtype=np.float32)[:, None]
    out[-edge:] *= np.linspace(1, 0, edge, dtype=np.float32)[:, None]
    return out


def _tone(note: int) -> float:
    return float(440.0 * 2 ** ((note - 69) / 12))


def _pad(note: int, seconds: float, rate: int) -> NDArray[np.float32]:
    time = np.arange(round(seconds * rate)) / rate
    swell = np.sin(np.pi * time / seconds) ** 0.8
    wave = np.sin(2 * np.pi * _tone(note) * time) + 0.35 * np.sin(2 * np.pi * _tone(note) * 2.003 * time)
    return (wave * swell).astype(np.float32)


def _pluck(note: int, rate: int) -> NDArray[np.float32]:
    time = np.arange(round(1.4 * rate)) / rate
    wave = np.sin(2 * np.pi * _tone(note) * time) + 0.4 * np.sin(4 * np.pi * _tone(note) * time) * np.exp(-6 * time)
    return (wave * np.exp(-4.2 * time) * np.minimum(1, time * 400)).astype(np.float32)


def _add(out: NDArray[np.float32], rate: int, start: float, sound: NDArray[np.float32], pan: float) -> None:
    at = round(start * rate)
    length = min(len(sound), len(out) - at)
    if length > 0:
        out[at : at + length, 0] += sound[:length] * (1 - pan)
        out[at : at + length, 1] += sound[:length] * pan
