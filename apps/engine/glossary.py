"""Glossary terms in machine translation: masked by placeholders, put back with the case of the place they stand in.

A placeholder is a made-up word that the model carries through as it is. Which word survives depends on the sentence, so every
result is checked, and a sentence whose placeholder got lost is tried again with other words and at last translated in pieces
around its terms. What is found is whole words only: "panel" is not found in "panels", whose translation may need another form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from apps.engine.task import GlossaryTerm

# In order of how well the Firefox models kept them in trials; {} is the number of the occurrence.
PLACEHOLDERS = ("XQ{}", "T{}T", "[{}]", "ZQX{}")
_CJK = r"぀-ヿ㐀-鿿가-힯฀-๿"

Translate = Callable[[str], str]


@dataclass(frozen=True)
class Found:
    """One occurrence in a text: the term, what stood there, and what must stand in the translation."""

    term: GlossaryTerm
    start: int
    end: int
    text: str
    wanted: str


@dataclass
class Outcome:
    """A translated text; `enforced` and `failed` name source terms, `how` is "", "as is", "placeholder" or "pieces"."""

    text: str
    how: str = ""
    enforced: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class Glossary:
    """The terms of a job, longest first, so that "control panel" wins over "panel"."""

    def __init__(self, terms: Sequence[GlossaryTerm]) -> None:
        self.terms = sorted((t for t in terms if t.source.strip()), key=lambda t: (-len(t.source), t.source))
        self._patterns = [_pattern(term) for term in self.terms]

    def find(self, text: str) -> list[Found]:
        """Occurrences in order, none overlapping."""
        taken: list[Found] = []
        for term, pattern in zip(self.terms, self._patterns, strict=True):
            for match in pattern.finditer(text):
                if all(match.end() <= other.start or match.start() >= other.end for other in taken):
                    taken.append(Found(term, match.start(), match.end(), match.group(), _wanted(term, match.group())))
        return sorted(taken, key=lambda found: found.start)

    def translate(self, text: str, translate: Translate) -> Outcome:
        """Translate with every term enforced; without terms in the text this is just `translate`."""
        found = self.find(text)
        if not found:
            return Outcome(translate(text))
        names = [f.term.source for f in found]
        plain = translate(text)
        if all(_count(plain, f.wanted) >= sum(g.wanted == f.wanted for g in found) for f in found):
            # the model chose these words itself: articles and endings agree with them
            return Outcome(plain, "as is", names)
        for shape in PLACEHOLDERS:
            if re.search(_placeholder_pattern(shape), text, re.IGNORECASE):
                continue  # the text itself has such a word
            answer = _restore(translate(_mask(text, found, shape)), found, shape)
            if answer is not None:
                return Outcome(answer, "placeholder", names)
        answer = _in_pieces(text, found, translate)
        failed = [f.term.source for f in found if not _holds(answer, f.wanted)]
        return Outcome(answer, "pieces", [name for name in names if name not in failed], failed)

    def missing(self, source: str, target: str) -> list[str]:
        """Source terms found in `source` whose wording is not in `target` (for text that we did not translate ourselves)."""
        return [f.term.source for f in self.find(source) if not _holds(target, f.wanted)]


def _pattern(term: GlossaryTerm) -> re.Pattern[str]:
    words = r"\s+".join(re.escape(word) for word in term.source.split())
    # Scripts without spaces have no word edges to stand on.
    before = "" if re.match(f"[{_CJK}]", term.source) else r"(?<!\w)"
    after = "" if re.search(f"[{_CJK}]$", term.source) else r"(?!\w)"
    return re.compile(before + words + after, 0 if term.case_sensitive else re.IGNORECASE)


def _wanted(term: GlossaryTerm, seen: str) -> str:
    """What to write for an occurrence: shouted when it was shouted, capitalised when it was (and the term itself is not)."""
    if term.do_not_translate or not term.target:
        return seen if term.do_not_translate else term.source
    if seen == term.source:
        return term.target
    if len(seen) > 1 and seen.isupper() and not term.source.isupper():
        return term.target.upper()
    if seen[:1].isupper() and term.source[:1].islower():
        return term.target[:1].upper() + term.target[1:]
    return term.target


def _mask(text: str, found: Sequence[Found], shape: str) -> str:
    out, at = [], 0
    for number, item in enumerate(found):
        out += [text[at : item.start], shape.format(number)]
        at = item.end
    return "".join([*out, text[at:]])


def _placeholder_pattern(shape: str) -> str:
    left, right = shape.split("{}")
    return rf"(?<!\w){re.escape(left)}(\d+){re.escape(right)}(?!\d)"


def _restore(translated: str, found: Sequence[Found], shape: str) -> str | None:
    """Put the wanted words in; None unless each placeholder is there exactly once."""
    pattern = re.compile(_placeholder_pattern(shape), re.IGNORECASE)
    if sorted(int(m.group(1)) for m in pattern.finditer(translated)) != list(range(len(found))):
        return None
    text = pattern.sub(lambda match: found[int(match.group(1))].wanted, translated)
    first = pattern.match(translated)
    keep = first is not None and found[int(first.group(1))].term.do_not_translate
    return text if keep else text[:1].upper() + text[1:] if translated[:1].isupper() else text


def _in_pieces(text: str, found: Sequence[Found], translate: Translate) -> str:
    """Last resort: translate what stands between the terms; less fluent, but every term is in its place."""
    out: list[str] = []
    at = 0
    for item in [*found, None]:
        piece = text[at : item.start if item else len(text)]
        core = piece.strip()
        if re.search(r"\w", core):
            lead, tail = piece[: len(piece) - len(piece.lstrip())], piece[len(piece.rstrip()) :]
            words = translate(core).strip()
            if item is not None and core[-1:] not in ".!?":
                words = words.rstrip(".")
            if at and not out[-1].rstrip().endswith((".", "!", "?")) and core[:1].islower():
                words = words[:1].lower() + words[1:]
            out.append(lead + words + tail)
        else:
            out.append(piece)
        if item is not None:
            out.append(item.wanted)
            at = item.end
    return "".join(out)


def _count(text: str, wanted: str) -> int:
    return len(re.findall(rf"(?<!\w){re.escape(wanted)}(?!\w)", text))


def _holds(text: str, wanted: str) -> bool:
    return wanted.casefold() in text.casefold()
