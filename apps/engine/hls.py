"""A streaming copy (HLS) of the finished video or dub, as one zip: master playlist, fragments, sound tracks, subtitles."""

from __future__ import annotations

import math
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from apps.engine import ffmpeg
from apps.engine.mix import bitexact

SEGMENT_SECONDS = 6
MASTER = "master.m3u8"
_EARLIEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class HlsSound:
    """A sound track of the source file, by its place among them."""

    place: int
    locale: str
    name: str
    label: str


@dataclass(frozen=True)
class HlsSubtitle:
    """A WebVTT file to go along."""

    path: Path
    locale: str
    label: str
    default: bool


def package(
    movie: Path,
    sounds: list[HlsSound],
    subtitles: list[HlsSubtitle],
    duration: float,
    target: Path,
    work: Path,
    *,
    pictures: bool,
) -> None:
    """Cut `movie` (mp4 with H.264 and AAC; nothing is encoded again) into a zip at `target`. Raises JobError 10004."""
    folder = work / "hls"
    folder.mkdir()
    maps = ["-map", "0:v:0"] if pictures else []
    streams = ["v:0,agroup:sound,name:video"] if pictures and sounds else ["v:0,name:video"] if pictures else []
    for sound in sounds:
        maps += ["-map", f"0:a:{sound.place}"]
        group = ",agroup:sound" if pictures else ""
        default = ",default:yes" if sound is sounds[0] and pictures else ""
        streams.append(
            f"a:{len(streams) - (1 if pictures else 0)}{group}{default},language:{sound.locale},name:{sound.name}"
        )
    ffmpeg.run(
        ["-i", movie.resolve(), *maps, "-c", "copy", *bitexact(), "-f", "hls", "-hls_time", str(SEGMENT_SECONDS),
         "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4", "-hls_flags", "independent_segments",
         "-hls_fmp4_init_filename", "init_%v.mp4" if len(streams) > 1 else "init_0.mp4",
         "-hls_segment_filename", "%v_%03d.m4s", "-master_pl_name", MASTER, "-var_stream_map", " ".join(streams), "%v.m3u8"],
        code=10004, what="making the HLS version", cwd=folder,
    )  # fmt: skip
    _name_sounds(folder / MASTER, sounds)
    _add_subtitles(folder, subtitles, duration)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.iterdir()):
            archive.writestr(zipfile.ZipInfo(path.name, _EARLIEST), path.read_bytes())


def _name_sounds(master: Path, sounds: list[HlsSound]) -> None:
    """ffmpeg calls the sound tracks audio_1, audio_2: players show their names."""
    text = master.read_text()
    for sound in sounds:
        text = re.sub(rf'NAME="[^"]*"([^\n]*URI="{sound.name}\.m3u8")', rf'NAME="{sound.label}"\1', text)
    master.write_text(text)


def _add_subtitles(folder: Path, subtitles: list[HlsSubtitle], duration: float) -> None:
    """One WebVTT segment per track; ffmpeg's own muxer cannot put text beside grouped sound tracks."""
    if not subtitles:
        return
    master = folder / MASTER
    media: list[str] = []
    for number, text in enumerate(subtitles):
        name = f"subtitles_{number}"
        (folder / f"{name}.vtt").write_bytes(text.path.read_bytes())
        (folder / f"{name}.m3u8").write_text(
            f"#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{math.ceil(duration)}\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"
            f"#EXTINF:{duration:.3f},\n{name}.vtt\n#EXT-X-ENDLIST\n"
        )
        chosen = "YES" if text.default else "NO"
        media.append(
            f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="{text.label}",LANGUAGE="{text.locale}",'
            f'DEFAULT={chosen},AUTOSELECT=YES,FORCED=NO,URI="{name}.m3u8"'
        )
    lines = master.read_text().splitlines()
    lines = [line + ',SUBTITLES="subtitles"' if line.startswith("#EXT-X-STREAM-INF:") else line for line in lines]
    first = next(
        (i for i, line in enumerate(lines) if line.startswith(("#EXT-X-MEDIA", "#EXT-X-STREAM-INF"))), len(lines)
    )
    master.write_text("\n".join([*lines[:first], *media, *lines[first:]]) + "\n")
