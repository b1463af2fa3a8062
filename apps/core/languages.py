"""The languages that can be asked for (seed 000's two tables) and the matching of what people write to them."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, Literal

import langcodes
from babel import Locale, UnknownLocaleError

AUTO: Final = "auto"
Direction = Literal["ltr", "rtl"]

# A farther match in CLDR's measure is another script or language: better an error than a wrong dub.
_MAX_DISTANCE: Final = 9
_TAG: Final = re.compile(r"^[A-Za-z0-9]{1,8}([-_][A-Za-z0-9]{1,8})*\Z")
# CLDR writes a language under several codes; matching must not leave these families.
_SAME_LANGUAGE: Final[Mapping[str, str]] = {"no": "nb", "cmn": "zh", "tl": "fil", "swh": "sw", "arb": "ar", "zsm": "ms"}
# Whisper's own codes where they differ from ours. yue is known only to its largest models, zh to all.
_WHISPER: Final[Mapping[str, str]] = {"nb": "no", "fil": "tl", "jv": "jw", "yue": "zh"}
# In our tables but in no Whisper model: cannot be recognized, only translated into.
_NOT_IN_WHISPER: Final = frozenset({"zu"})

# CLDR's own words are long or leave out the script, which is what readers of Chinese look for.
_AUTONYMS: Final[Mapping[str, str]] = {
    "zh-CN": "中文（简体）",
    "zh-HK": "中文（繁體，香港）",
    "zh-TW": "中文（繁體，台灣）",
    "yue-CN": "粤语（中国）",
    "id-ID": "Bahasa Indonesia",
    "ms-MY": "Bahasa Melayu",
    "jv-ID": "Basa Jawa",
}


class UnknownLanguage(ValueError):
    """Text that is no BCP 47 tag, or a language that is not offered; str() is a sentence for the customer."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language as offered: code is BCP 47 ("pt-BR"), base its first part ("pt").

    name is English as in seed 000, autonym its name in its own language and script.
    """

    code: str
    base: str
    name: str
    autonym: str
    direction: Direction


@cache
def _data() -> dict[str, list[dict[str, object]]]:
    text = (Path(__file__).parent / "data" / "languages.json").read_text(encoding="utf-8")
    data: dict[str, list[dict[str, object]]] = json.loads(text)
    return data


@cache
def sources() -> Mapping[str, Language]:
    """The spoken languages by code, in the seed's order, without "auto"."""
    return {code: describe(code) for row in _data()["source"] if (code := str(row["code"])) != AUTO}


@cache
def targets() -> Mapping[str, Language]:
    """The target locales by code, in the seed's order."""
    return {code: describe(code) for locales in target_groups().values() for code in locales}


@cache
def target_groups() -> Mapping[str, tuple[str, ...]]:
    """Target locales by language ("pt" -> ("pt-PT", "pt-BR")), in the seed's order."""
    groups: dict[str, tuple[str, ...]] = {}
    for row in _data()["target"]:
        locales = row["locales"]
        assert isinstance(locales, list)
        groups[str(row["code"])] = tuple(str(code) for code in locales)
    return groups


@lru_cache(maxsize=1024)
def match_source(text: str) -> str:
    """The offered source language nearest to a BCP 47 tag ("en" -> "en-US"), or "auto" as it is.

    Case and underscores do not matter. Raises UnknownLanguage.
    """
    if text.strip().lower() in ("", AUTO):
        return AUTO
    return _match(text, tuple(sources()), "source")


@lru_cache(maxsize=1024)
def match_target(text: str) -> str:
    """The offered target locale nearest to a BCP 47 tag ("zh-Hant" -> "zh-TW"). Raises UnknownLanguage."""
    if text.strip().lower() == AUTO:
        raise UnknownLanguage('"auto" is only for the source language; name a target language such as "pt-BR".')
    return _match(text, tuple(targets()), "target")


def _match(text: str, offered: tuple[str, ...], side: str) -> str:
    text = text.strip()
    by_lower = {code.lower(): code for code in offered}
    if exact := by_lower.get(text.lower().replace("_", "-")):
        return exact
    if not _TAG.match(text):
        raise _not_a_tag(text, offered)
    try:
        wanted = langcodes.get(text.replace("_", "-"))
    except ValueError:  # LanguageTagError is one
        raise _not_a_tag(text, offered) from None
    # Only the same language: CLDR would also offer Dutch for Afrikaans, since their readers cope.
    language = _family(wanted.language or "")
    candidates = [code for code in offered if _family(code.split("-")[0]) == language]
    if candidates:
        home = langcodes.get(language).maximize().territory
        ranked = sorted(
            # Equally near: the language's home region first (fr-CM -> fr-FR), then the seed's order.
            (langcodes.tag_distance(wanted, code), not code.endswith(f"-{home}"), place, code)
            for place, code in enumerate(candidates)
        )
        if ranked[0][0] <= _MAX_DISTANCE:
            return ranked[0][3]
        if len(candidates) == 1 and wanted.script is None and wanted.territory is None:
            return candidates[0]
    raise UnknownLanguage(f"{_quote(text)} is not offered as a {side} language.{_hint(text, candidates, offered)}")


def _not_a_tag(text: str, offered: tuple[str, ...]) -> UnknownLanguage:
    return UnknownLanguage(
        f'{_quote(text)} is not a language tag; write BCP 47, such as "pt-BR" or "zh-Hant".{_hint(text, [], offered)}'
    )


def _family(language: str) -> str:
    return _SAME_LANGUAGE.get(language, language)


def _quote(text: str) -> str:
    return json.dumps(text[:40], ensure_ascii=False)


def _hint(text: str, candidates: Iterable[str], offered: tuple[str, ...]) -> str:
    """A short "did you mean" from the same language, else from codes and English names that look alike."""
    near = list(candidates)[:3]
    if not near:
        names = {describe(code).name.lower(): code for code in reversed(offered)}
        names |= {name.split(" (")[0]: code for name, code in names.items()}
        names |= {code.lower(): code for code in offered}
        found = difflib.get_close_matches(text.lower(), names, n=3, cutoff=0.75)
        near = list(dict.fromkeys(names[name] for name in found))
    return f" Did you mean {' or '.join(near)}?" if near else ""


@cache
def describe(code: str) -> Language:
    """Names and direction of a code of either table. Raises UnknownLanguage for a code of neither."""
    for row in _data()["source"]:
        if row["code"] == code and code != AUTO:
            return _language(code, str(row["name"]))
    for row in _data()["target"]:
        locales = row["locales"]
        if isinstance(locales, list) and code in locales:
            return _language(code, name_in(code, "en"))
    raise UnknownLanguage(f"{_quote(code)} is not offered.")


def _language(code: str, name: str) -> Language:
    locale = Locale.parse(code, sep="-")
    autonym = _AUTONYMS.get(code) or name_in(code, code)
    direction: Direction = "rtl" if locale.text_direction == "rtl" else "ltr"
    return Language(code=code, base=code.split("-")[0], name=name, autonym=autonym, direction=direction)


@cache
def name_in(code: str, interface: str) -> str:
    """The name of a code in an interface language: name_in("pt-BR", "es") -> "portugués (Brasil)".

    Falls back to English, then to the code. "auto" has no name here; the page says it in its own words.
    """
    base, _, region = code.partition("-")
    for spoken in (interface, "en"):
        try:
            names = Locale.parse(spoken.replace("_", "-"), sep="-")
        except (UnknownLocaleError, ValueError):
            continue
        language = names.languages.get(base)
        territory = names.territories.get(region) if region else None
        if language:
            return f"{language} ({territory})" if territory else language
    return code


def base_language(code: str) -> str:
    """The language without its region, as engines name it: "pt-BR" -> "pt"."""
    return code.split("-")[0].lower()


def whisper_language(code: str) -> str | None:
    """Whisper's code for a source language, or None for "auto" and for what no Whisper model knows."""
    base = base_language(code)
    return None if base == AUTO or base in _NOT_IN_WHISPER else _WHISPER.get(base, base)


def traditional(code: str) -> bool:
    """Whether Chinese of this code is written in traditional characters."""
    return code in ("zh-TW", "zh-HK", "yue-HK", "zh-MO")
