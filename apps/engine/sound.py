"""Sound out of the source: decoded once, aligned to the media's t=0, and cut or padded to the media's length."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from apps.engine import ffmpeg
from apps.engine.media import MediaInfo
from apps.engine.workspace import AUDIO_FILE, Workspace

RATE = 48_000
ASR_RATE = 16_000


def extract(
    ws: Workspace,
    source: str,
    info: MediaInfo,
    target: Path,
    *,
    rate: int,
    channels: int,
    on_time: Callable[[float], None],
) -> None:
    """Writes the first sound track as 16-bit WAV that starts at t=0 and lasts info.duration seconds.

    A late start and gaps in the time stamps become silence. More channels than asked for are mixed down by ffmpeg's
    matrix, which keeps the centre (where a film's voices are). Without any sound track it writes silence. Raises
    JobError 10003.
    """
    layout = "stereo" if channels == 2 else "mono"
    length = f"{info.duration:.3f}"
    if info.has_audio:
        track = info.audio[0]
        inputs = [*ffmpeg.media_input(ws.path(source), info.demuxer), "-map", f"0:{track.index}"]
        stamps = (
            "async=1:first_pts=0" if track.steady else f"async=0,asetpts=N/SR/TB,adelay={track.start * 1000:.0f}:all=1"
        )
        filters = (
            f"aresample={rate}:{stamps},aformat=sample_fmts=s16:channel_layouts={layout},"
            f"apad=whole_dur={length},atrim=end={length}"
        )
    else:
        inputs = ["-f", "lavfi", "-i", f"anullsrc=r={rate}:cl={layout}"]
        filters = f"atrim=end={length}"
    tail = ["-vn", "-sn", "-dn", "-af", filters, "-c:a", "pcm_s16le", "-bitexact", "-rf64", "auto", "-f", "wav"]
    ffmpeg.run([*inputs, *tail, str(target)], code=10003, what="decoding the sound", on_time=on_time)


def extract_for_speech(ws: Workspace, source: str, info: MediaInfo, target: Path) -> None:
    """Writes 16 kHz mono for recognition, from audio.wav when that is there already; raises JobError 10003."""
    audio = ws.path(AUDIO_FILE)
    if not audio.exists():
        extract(ws, source, info, target, rate=ASR_RATE, channels=1, on_time=lambda _: None)
        return
    tail = ["-ac", "1", "-ar", str(ASR_RATE), "-c:a", "pcm_s16le", "-bitexact", "-rf64", "auto", "-f", "wav"]
    ffmpeg.run(["-i", str(audio), *tail, str(target)], code=10003, what="decoding the sound")
