"""Files for lip-sync orders, good and bad ones, made in seconds out of the shared portrait, film and speech (all public domain or free)."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import soundfile
from numpy.typing import NDArray

from apps.engine.lipsync import frames
from apps.engine.lipsync.faces import FaceFinder, Points
from apps.engine.media import read_info
from apps.engine.settings import EngineSettings
from apps.engine.task import Limits
from tests.engine.lipsync.test_pictures import claims
from tests.jobs.bad_media import ffmpeg

Picture = NDArray[np.uint8]
RATE = 15
GREY = (110, 120, 130)
SPOKEN = 1.2
"""Seconds of voice.wav; other.wav lasts 0.8 s, film.mp4 1.6 s."""


def make_files(folder: Path, shared_media: Path, model_dir: Path) -> Path:
    """Pictures, films and sounds by the names that the tests use."""
    settings = EngineSettings(model_dir=str(model_dir))
    portrait = np.asarray(cv2.imread(str(shared_media / "faces/astronaut-eileen-collins-nasa.png")), np.uint8)
    pictures(folder, portrait, FaceFinder(settings))
    films(folder, shared_media / "oncamera/en-jordi-open-dubbing.mp4", settings)
    sounds(folder, shared_media / "speech/en-jfk.flac")
    (folder / "empty").touch()
    (folder / "page").write_text("<!doctype html><title>not found</title>", encoding="utf-8")
    (folder / "words.txt").write_text("This is a letter, and neither a picture nor a sound.\n" * 9, encoding="utf-8")
    return folder


def pictures(folder: Path, portrait: Picture, finder: FaceFinder) -> None:
    """face, couple, trio, small, profile, wall (nobody on it) and what is wrong with files as such."""
    face = cv2.resize(portrait[0:384, 20:404], (320, 320), interpolation=cv2.INTER_AREA)
    narrow = cv2.resize(portrait[0:384, 80:368], (192, 256), interpolation=cv2.INTER_AREA)
    large = np.asarray(cv2.resize(portrait[0:384, 20:404], (600, 600), interpolation=cv2.INTER_CUBIC), np.uint8)
    save(folder / "face.png", face)
    save(folder / "couple.png", np.hstack([narrow, narrow[:, ::-1]]))
    save(folder / "trio.png", np.hstack([narrow, narrow[:, ::-1], narrow]))
    save(folder / "small.png", small(portrait))
    save(folder / "profile.png", turned(large, finder.find(large)[0].points, -62))
    save(folder / "wall.png", np.full((240, 320, 3), GREY, np.uint8))
    save(folder / "ribbon.png", np.full((64, 9000, 3), GREY, np.uint8))
    save(folder / "black.png", np.zeros((90, 40), np.uint8))
    whole = (folder / "face.png").read_bytes()
    (folder / "half.png").write_bytes(whole[: len(whole) // 2])
    (folder / "bomb.png").write_bytes(claims(30_000, 30_000))


def films(folder: Path, jordi: Path, settings: EngineSettings) -> None:
    """film (a man who speaks, 1.6 s), leaves (he is gone after 0.8 s), small, profile, wall, mute, half, and one on its side."""
    source = frames.Source(jordi, read_info(jordi, Limits()), "480p")
    seen = [cv2.resize(picture, (360, 240), interpolation=cv2.INTER_AREA) for picture in source.pictures(48)][::2]
    empty = np.tile(np.linspace(30, 200, 360).astype(np.uint8)[None, :, None], (240, 1, 3))
    write(folder / "film.mp4", seen, settings)
    write(folder / "leaves.mp4", [*seen[:12], *[empty] * 12], settings)
    write(folder / "wall.mp4", [empty] * 12, settings)
    write(folder / "small.mp4", [small(np.asarray(seen[0], np.uint8), 80)] * 12, settings)
    profile = cv2.resize(np.asarray(cv2.imread(str(folder / "profile.png")), np.uint8), (360, 360))
    write(folder / "profile.mp4", [profile] * 12, settings)
    ffmpeg("-display_rotation", "90", "-i", folder / "film.mp4", "-c", "copy", folder / "lying.mp4")
    whole = (folder / "film.mp4").read_bytes()
    (folder / "half.mp4").write_bytes(whole[: len(whole) // 2])


def sounds(folder: Path, speech: Path) -> None:
    """voice, other, long (2.4 s), silence, cover (with a picture), said (a film that speaks), late (after 0.6 s) and liar."""
    whole, rate = soundfile.read(speech, dtype="int16")
    for name, start, seconds in (("voice", 0.3, SPOKEN), ("other", 3.3, 0.8), ("long", 0.3, 2.4)):
        soundfile.write(folder / f"{name}.wav", whole[round(start * rate) : round((start + seconds) * rate)], rate)
    soundfile.write(folder / "silence.wav", np.zeros(rate, np.int16), rate)
    voice, film, face = folder / "voice.wav", folder / "film.mp4", folder / "face.png"
    sleeve = ["-map", "0", "-map", "1", "-c:v", "mjpeg", "-disposition:v", "attached_pic", "-id3v2_version", "3"]
    ffmpeg("-i", voice, "-i", face, *sleeve, "-c:a", "libmp3lame", folder / "cover.mp3")
    ffmpeg("-i", film, "-i", voice, "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", folder / "said.mp4")
    ffmpeg("-i", folder / "long.wav", "-t", "2.4", folder / "liar.mka")
    boast(folder / "liar.mka", 0.4)
    late = ["-itsoffset", "0.6", "-i", voice, "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac"]
    ffmpeg("-i", film, *late, folder / "late.mp4")


def boast(path: Path, seconds: float) -> None:
    """Another length into the head of a Matroska file (element 4489, milliseconds as a double)."""
    data = bytearray(path.read_bytes())
    place = data.index(b"\x44\x89\x88") + 3
    data[place : place + 8] = struct.pack(">d", seconds * 1000)
    path.write_bytes(data)


def save(path: Path, picture: NDArray[np.integer]) -> Path:
    """Writes a picture in the kind that its name says."""
    assert cv2.imwrite(str(path), picture)
    return path


def write(path: Path, shown: Iterable[NDArray[np.integer]], settings: EngineSettings) -> Path:
    """Writes a film without sound, RATE pictures a second."""
    listed = [np.ascontiguousarray(picture, np.uint8) for picture in shown]
    height, width = listed[0].shape[:2]
    with frames.Encoder(path, (width, height), Fraction(RATE), settings) as encoder:
        for picture in listed:
            encoder.write(picture)
    return path


def small(picture: Picture, width: int = 125) -> Picture:
    """The same picture `width` pixels wide in the middle of a wall."""
    height = round(picture.shape[0] * width / picture.shape[1])
    wall = np.full((240, 320, 3), GREY, np.uint8)
    wall[60 : 60 + height, 90 : 90 + width] = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return wall


def turned(picture: Picture, points: Points, degrees: float) -> Picture:
    """The face of a picture seen from another side, before a wall: its landmarks' triangles turned in space, the farthest drawn first."""
    height, width = picture.shape[:2]
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), 0, -math.sin(angle)], [0, 1, 0], [math.sin(angle), 0, math.cos(angle)]])
    middle = np.array([*points[:, :2].mean(axis=0), points[:, 2].max()])
    places = (points - middle) @ turn.T + (width / 2, middle[1], 0)
    corners = triangles(points[:, :2], width, height)
    corners.sort(key=lambda three: -float(places[three, 2].mean()))
    out = np.full_like(picture, GREY)
    for three in corners:
        draw(out, picture, points[three, :2].astype(np.float32), places[three, :2].astype(np.float32))
    return out


def triangles(points: NDArray[np.floating], width: int, height: int) -> list[list[int]]:
    """Delaunay's triangles of points inside a picture, by their numbers."""
    net = cv2.Subdiv2D((0, 0, width, height))
    for x, y in points:
        net.insert((float(np.clip(x, 1, width - 2)), float(np.clip(y, 1, height - 2))))
    found = []
    for flat in net.getTriangleList().reshape(-1, 3, 2):
        if (flat >= 0).all() and (flat[:, 0] < width).all() and (flat[:, 1] < height).all():
            three = [int(((points - corner) ** 2).sum(axis=1).argmin()) for corner in flat]
            if len(set(three)) == 3:
                found.append(three)
    return found


def draw(out: Picture, picture: Picture, source: NDArray[np.float32], place: NDArray[np.float32]) -> None:
    """One triangle of `picture` onto its new place."""
    low = np.maximum(np.floor(place.min(axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(place.max(axis=0)).astype(int) + 2, out.shape[1::-1])
    if (high <= low).any() or abs(float(np.cross(*np.pad(place[1:] - place[0], ((0, 0), (0, 1))))[2])) < 1:
        return
    matrix = cv2.getAffineTransform(source, (place - low).astype(np.float32))
    size = int(high[0] - low[0]), int(high[1] - low[1])
    piece = cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros(size[::-1], np.uint8)
    cv2.fillConvexPoly(mask, np.round((place - low) * 16).astype(np.int32), 255, shift=4)
    inside = cv2.dilate(mask, np.ones((3, 3), np.uint8)) > 0
    out[low[1] : high[1], low[0] : high[0]][inside] = piece[inside]
