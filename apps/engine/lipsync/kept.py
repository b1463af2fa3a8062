"""The first pass over a film, kept as a file: whose faces are where. It depends on the film alone, so that each later dub of it is
spared the search.
"""

from __future__ import annotations

import zipfile
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from apps.core.errors import JobError
from apps.engine.lipsync.film import Film
from apps.engine.lipsync.frames import Colours
from apps.engine.lipsync.tracking import Track
from apps.engine.lipsync.video import Cast

PARTS = 64
"""Landmarks are rounded to this part of a pixel: finer is noise, and a kept film is to be painted as it was the first time."""


def rounded(cast: Cast) -> Cast:
    """The cast as it is when it was kept and read again."""
    for track in cast.tracks:
        track.points = list((np.round(np.stack(track.points) * PARTS) / PARTS).astype(np.float32))
    return cast


def save(path: Path, film: Film, cast: Cast, problem: JobError | None) -> None:
    """Writes a rounded cast, and what the pass found out of the film. `problem` says why nobody can be painted."""
    named: dict[str, Any] = {
        "times": film.times,
        "film": np.array(
            [film.tick.numerator, film.tick.denominator, film.origin, film.true_times, *film.colours], np.int64
        ),
        "cast": np.array([cast.frames, len(cast.tracks)], np.int64),
        "cuts": np.array(cast.cuts, np.int64),
        "problem": np.array([str(problem.code), problem.reason] if problem else []),
    }
    for number, track in enumerate(cast.tracks):
        named[f"points{number}"] = np.stack(track.points)
        named[f"shown{number}"] = np.array([track.first, *(value for value, _, _ in track.shown)], np.float64)
        for place, (_, picture, points) in enumerate(track.shown):
            named[f"picture{number}.{place}"], named[f"landmarks{number}.{place}"] = picture, points
    with path.open("wb") as stream:
        np.savez_compressed(stream, **named)


def load(path: Path, film: Film) -> tuple[Cast, JobError | None]:
    """The cast of an earlier pass; `film` knows its times again. Raises OSError, ValueError or KeyError for a file that is not whole."""
    try:
        return _load(path, film)
    except (EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError("the kept file is damaged") from error


def _load(path: Path, film: Film) -> tuple[Cast, JobError | None]:
    with np.load(path, allow_pickle=False) as kept:
        numerator, denominator, film.origin, true_times, *colours = (int(value) for value in kept["film"])
        film.times, film.tick = kept["times"], Fraction(numerator, denominator)
        film.true_times, film.colours = bool(true_times), Colours(*colours)
        count, tracks = (int(value) for value in kept["cast"])
        cast = Cast(frames=count, cuts=[int(cut) for cut in kept["cuts"]])
        for number in range(tracks):
            first, *values = kept[f"shown{number}"]
            shown = [
                (float(value), kept[f"picture{number}.{place}"], kept[f"landmarks{number}.{place}"])
                for place, value in enumerate(values)
            ]
            cast.tracks.append(Track(int(first), list(kept[f"points{number}"]), shown))
        problem = [str(part) for part in kept["problem"]]
    return cast, JobError(int(problem[0]), problem[1]) if problem else None
