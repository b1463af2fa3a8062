"""Removing old burnt-in text: its box is filled from the edges (delogo) and softened, which hides the text but restores nothing."""

from __future__ import annotations

from collections.abc import Sequence

from apps.core.options import TextBox

MARGIN = 0.4  # seconds around a line during which its box stays covered: text fades in and out
MAX_SPANS = 60  # more would make the filter's expression too long; then the box is covered all the time
SAID = (
    "Old subtitles were hidden by filling their box from its edges and blurring it; the picture behind the text is not restored, "
    "so a soft patch can be seen."
)


def box_pixels(box: TextBox, width: int, height: int) -> tuple[int, int, int, int]:
    """(x, y, w, h) in even pixels of the shown picture, at least one pixel inside it on every side (delogo needs that)."""
    x = min(max(1, round(box.x * width)), width - 6)
    y = min(max(1, round(box.y * height)), height - 6)
    w = min(max(4, round(box.width * width)), width - 1 - x)
    h = min(max(4, round(box.height * height)), height - 1 - y)
    return x, y, w, h


def spans(times: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """When the box must be covered: each line with a margin, overlapping ones joined; empty means all the time."""
    merged: list[tuple[float, float]] = []
    for start, end in sorted(times):
        start, end = max(0.0, start - MARGIN), end + MARGIN
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged if len(merged) <= MAX_SPANS else []


def filters(box: TextBox, width: int, height: int, covered: Sequence[tuple[float, float]]) -> list[str]:
    """Filters for a picture of width x height shown pixels."""
    x, y, w, h = box_pixels(box, width, height)
    when = ""
    if covered:
        when = ":enable='" + "+".join(f"between(t,{start:.2f},{end:.2f})" for start, end in covered) + "'"
    # the fill alone shows streaks; blurring the box smooths them and blends its edge
    sigma = max(2, h // 8)
    return [
        f"delogo=x={x}:y={y}:w={w}:h={h}{when}",
        f"split[keep][patch];[patch]crop={w}:{h}:{x}:{y},gblur=sigma={sigma}[soft];[keep][soft]overlay={x}:{y}{when}",
    ]
