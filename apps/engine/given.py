"""Lines from subtitle cues (given files and texts read off the picture): repaired, fitted to the media, cut to sentences."""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Sequence

import msgspec

from apps.core.errors import JobError
from apps.engine import textlang
from apps.engine.segment import CLAUSE_END, MAX_CHARS, MAX_SECONDS, SENTENCE_END, number
from apps.engine.subtitles import Cue
from apps.engine.transcript import Line

READING_CHARS_PER_SECOND = 15.0
MIN_SECONDS = 0.3
JOIN_GAP_SECONDS = 0.6
JOIN_MAX_SECONDS = 12.0
NEAR_LINES = 8
"""Lines on either side of a cue's time that its text may belong to."""


class Draft(msgspec.Struct):
    """A cue on its way to a line."""

    start: float
    end: float
    text: str
    speaker: str = ""
    notes: list[str] = []


def lines_from_cues(
    cues: Sequence[Cue], duration: float, by_sentence: bool, max_lines: int
) -> tuple[list[Line], list[str]]:
    """Lines (text as source) and, for each, the speaker's name as written ("" if none).

    With by_sentence a sentence that runs over several cues becomes one line and a long cue with several sentences
    becomes several; without it the given timing stays. Raises JobError 10034 when no cue lies inside the media, 10905
    when there are too many.
    """
    drafts = repair(cues, duration)
    if by_sentence:
        drafts = [part for draft in join(drafts) for part in split(draft)]
    if max_lines and len(drafts) > max_lines:
        raise JobError(10905, f"there are more than {max_lines} subtitles")
    lines = [
        Line(id="", start=round(d.start, 3), end=round(d.end, 3), source=one_line(d.text), notes=d.notes)
        for d in drafts
    ]
    return number(lines), [draft.speaker for draft in drafts]


def repair(cues: Sequence[Cue], duration: float) -> list[Draft]:
    """In order of time, inside the media, each with a length; what was changed is noted. Raises JobError 10034."""
    ordered = sorted((cue for cue in cues if cue.text.strip()), key=lambda cue: cue.start)
    drafts: list[Draft] = []
    for index, cue in enumerate(ordered):
        if cue.start >= duration:
            continue
        notes: list[str] = []
        following = ordered[index + 1].start if index + 1 < len(ordered) else duration
        end = cue.end
        if end <= cue.start:
            end = cue.start + max(1.0, len(cue.text) / READING_CHARS_PER_SECOND)
            if following - cue.start >= MIN_SECONDS:
                end = min(end, following)
            notes.append("the file had its end before its start")
        if end > duration:
            end = duration
            notes.append("cut at the end of the media")
        if drafts and cue.start < drafts[-1].end:
            if cue.start - drafts[-1].start >= MIN_SECONDS:
                drafts[-1].end = cue.start
                drafts[-1].notes.append("shortened: it overlapped the next line")
            else:
                notes.append("overlaps the line before")
        drafts.append(Draft(cue.start, max(end, cue.start + 0.02), cue.text, cue.speaker, notes))
    if not drafts:
        raise JobError(10034, f"no subtitle lies within the {duration:.1f} s of the media")
    return drafts


def join(drafts: Sequence[Draft]) -> list[Draft]:
    """Joins cues that are parts of one sentence: no end mark, a small gap, and the next goes on in lower case."""
    joined: list[Draft] = []
    for draft in drafts:
        last = joined[-1] if joined else None
        if (
            last is not None
            and not SENTENCE_END.search(last.text.strip())
            and draft.text.strip()[:1].islower()
            and last.speaker == draft.speaker
            and draft.start - last.end <= JOIN_GAP_SECONDS
            and draft.end - last.start <= JOIN_MAX_SECONDS
            and len(last.text) + len(draft.text) <= MAX_CHARS
        ):
            joined[-1] = Draft(
                last.start, draft.end, f"{last.text} {draft.text}", last.speaker, last.notes + draft.notes
            )
        else:
            joined.append(draft)
    return joined


def split(draft: Draft) -> list[Draft]:
    """Splits a long cue at sentence ends (else at clause ends), sharing the time by the number of characters."""
    text = one_line(draft.text)
    if draft.end - draft.start <= MAX_SECONDS / 2 and len(text) <= MAX_CHARS / 2:
        return [draft]
    pieces = _pieces(text, SENTENCE_END)
    if len(pieces) == 1 and (len(text) > MAX_CHARS or draft.end - draft.start > MAX_SECONDS):
        pieces = _pieces(text, CLAUSE_END)
    if len(pieces) == 1:
        return [draft]
    total, position, parts = sum(map(len, pieces)), draft.start, []
    for piece in pieces:
        end = position + (draft.end - draft.start) * len(piece) / total
        parts.append(Draft(position, end, piece, draft.speaker, list(draft.notes)))
        position = end
    parts[-1].end = draft.end
    return parts


def one_line(text: str) -> str:
    """Line breaks become spaces, except between CJK characters, where they vanish."""
    text = re.sub(r"(?<=[\u2e80-\u9fff\uff00-\uffef])\s*\n\s*(?=[\u2e80-\u9fff\uff00-\uffef])", "", text.strip())
    return re.sub(r"\s+", " ", text)


def split_bilingual(cues: Sequence[Cue], target_locale: str) -> tuple[list[Cue], list[Cue]]:
    """Source and target cues of a bilingual file: two lines in one cue, or two cues at one time.

    Which is the target is told by the language of all first against all second lines. Raises JobError 10034 when the
    file has only one text per cue.
    """
    merged: list[Cue] = []
    for cue in sorted(cues, key=lambda cue: (cue.start, cue.end)):
        if merged and (merged[-1].start, merged[-1].end) == (cue.start, cue.end):
            merged[-1] = msgspec.structs.replace(merged[-1], text=f"{merged[-1].text}\n{cue.text}")
        else:
            merged.append(cue)
    first, second = [], []
    for cue in merged:
        rows = cue.text.split("\n")
        half = (len(rows) + 1) // 2
        first.append(msgspec.structs.replace(cue, text="\n".join(rows[:half])))
        second.append(msgspec.structs.replace(cue, text="\n".join(rows[half:])))
    if sum(bool(cue.text) for cue in second) < 0.5 * len(merged):
        raise JobError(10034, "the subtitle file is not bilingual: most of its cues have one line only")
    wanted = target_locale.split("-")[0]
    languages = [textlang.detect("\n".join(c.text for c in side)).split("-")[0] for side in (first, second)]
    if languages[0] == wanted and languages[1] != wanted:
        first, second = second, first
    return first, second


def pair_targets(lines: Sequence[Line], targets: Sequence[Cue]) -> None:
    """Gives each line the target text whose time overlaps it most; targets that meet no line go to the nearest."""
    if not lines:
        return
    starts = [line.start for line in lines]
    texts: dict[str, list[str]] = {}
    for cue in sorted(targets, key=lambda cue: cue.start):
        if cue.text.strip():
            place = bisect.bisect_left(starts, cue.start)
            near = lines[max(0, place - NEAR_LINES) : place + NEAR_LINES]
            texts.setdefault(max(near, key=functools.partial(_overlap, cue)).id, []).append(one_line(cue.text))
    for line in lines:
        line.target = " ".join(texts.get(line.id, []))


def _overlap(cue: Cue, line: Line) -> float:
    """Common seconds; when there are none, minus the distance."""
    return min(line.end, cue.end) - max(line.start, cue.start)


def _pieces(text: str, mark: re.Pattern[str]) -> list[str]:
    """Cuts after words that end with a mark, and inside CJK text after the mark itself."""
    words = re.findall(r"[^\s。！？；，、]+[。！？；，、]*|[。！？；，、]+|\s+", text)
    pieces, current = [], ""
    for word in words:
        current += word
        if word.strip() and mark.search(word):
            pieces.append(current.strip())
            current = ""
    if current.strip():
        pieces.append(current.strip())
    return pieces or [text]
