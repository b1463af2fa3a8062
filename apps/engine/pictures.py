"""What must happen to the picture track: copied when nothing changes and browsers can play it, else H.264 8-bit 4:2:0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from apps.core.options import TextBox
from apps.engine import erase
from apps.engine.media import MediaInfo, VideoInfo

COPY_FROM = frozenset({"mov", "matroska", "mpegts", "flv"})
PLAYABLE_PIXELS = frozenset({"yuv420p", "yuvj420p"})
HDR_TRANSFERS = frozenset({"16", "18", "smpte2084", "arib-std-b67"})  # PQ and HLG, by number and by name
CRF = 20
PRESET = "veryfast"


@dataclass(frozen=True)
class Plan:
    """`filters` is empty for a copy; width and height are those of the result as shown; `why` says why it is not a copy."""

    copy: bool
    filters: tuple[str, ...]
    width: int
    height: int
    why: tuple[str, ...]

    def encoder(self) -> list[str]:
        """Codec options of the picture track."""
        if self.copy:
            return ["-c:v", "copy"]
        # the time stamps of the source stay as they are, also where the frame rate varies
        return [
            "-vf", ",".join(self.filters), "-c:v", "libx264", "-preset", PRESET, "-crf", str(CRF), "-pix_fmt", "yuv420p",
            "-profile:v", "high", "-fps_mode", "passthrough", "-enc_time_base", "demux", "-g", "250",
        ]  # fmt: skip


def plan(info: MediaInfo, *, burn: bool, box: TextBox | None, covered: Sequence[tuple[float, float]]) -> Plan:
    """The plan for info.video (must be there). `burn` adds burn.ass and fonts of the working directory, `box` is covered first."""
    video = info.video
    assert video is not None  # callers ask only for media with pictures
    why = _why_not_copy(info, video, burn=burn, covered=box is not None)
    if not why:
        return Plan(True, (), video.display_width, video.display_height, ())
    width, height = frame_size(video)
    filters = plain_filters(video)
    # ffmpeg has turned the picture upright before the first filter; here pixels become square and sizes even
    same = video.sar in ("1:1", "0:1") and (width, height) == (video.display_width, video.display_height)
    filters += [] if same else [f"scale={width}:{height}:flags=bicubic"]
    filters += ["setsar=1", "format=yuv420p"]
    if box is not None:
        filters += erase.filters(box, width, height, covered)
    if burn:
        filters.append("subtitles=filename=burn.ass:fontsdir=fonts")
    return Plan(False, tuple(filters), width, height, tuple(why))


def frame_size(video: VideoInfo) -> tuple[int, int]:
    """Width and height of pictures that are encoded anew: as shown, in even pixels."""
    return _even(video.display_width), _even(video.display_height)


def plain_info(info: MediaInfo) -> MediaInfo:
    """The same media with pictures that were encoded anew by lip sync: H.264, upright, whole, with square pixels."""
    video = info.video
    assert video is not None  # callers ask only for media with pictures
    width, height = frame_size(video)
    plain = msgspec.structs.replace(
        video, codec="h264", pix_fmt="yuv420p", width=width, height=height, display_width=width, display_height=height,
        rotation=0, sar="1:1", transfer="", interlaced=False,
    )  # fmt: skip
    return msgspec.structs.replace(info, demuxer="mov", video=plain)


def plain_filters(video: VideoInfo) -> list[str]:
    """Filters that make the pictures whole ones (not interlaced) of usual brightness (not HDR); none for most videos."""
    filters = ["yadif=deint=interlaced"] if video.interlaced else []
    if video.transfer.lower() in HDR_TRANSFERS:
        filters.append(
            "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv420p"
        )
    return filters


def _why_not_copy(info: MediaInfo, video: VideoInfo, *, burn: bool, covered: bool) -> list[str]:
    why = []
    if burn:
        why.append("subtitles are burnt in")
    if covered:
        why.append("old subtitles are covered")
    if video.codec != "h264":
        why.append(f"browsers may not play {video.codec}")
    elif video.pix_fmt not in PLAYABLE_PIXELS:
        why.append(f"browsers do not play H.264 with {video.pix_fmt}")
    elif info.demuxer not in COPY_FROM:
        why.append(f"pictures in {info.demuxer} files have no reliable time stamps")
    if video.interlaced:
        why.append("the picture is interlaced")
    return why


def _even(value: int) -> int:
    return max(2, value - value % 2)
