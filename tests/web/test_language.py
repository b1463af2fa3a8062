"""The interface in four languages: catalogues are complete for the pages, compiled, and fit their sentences."""

from __future__ import annotations

import gettext
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from django.template import Context, Template
from django.utils import translation

from apps.core import languages
from apps.web.templatetags.web import filesize, language, sentence_case, span

LOCALE = Path(__file__).resolve().parents[2] / "locale"
ROOT = LOCALE.parent
FIELDS = re.compile(r"%\(\w+\)[sd]|\{\w+\}")
CODES = ("es", "ru", "zh_Hans")


def catalogue(code: str) -> dict[str, Message]:
    with (LOCALE / code / "LC_MESSAGES" / "django.po").open("rb") as file:
        return {
            message.id if isinstance(message.id, str) else message.id[0]: message
            for message in read_po(file)
            if message.id
        }


@pytest.mark.parametrize("code", CODES)
def test_what_is_compiled_is_what_was_written(code: str) -> None:
    with (LOCALE / code / "LC_MESSAGES" / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for key, message in catalogue(code).items():
        if isinstance(message.string, str) and message.string:
            assert compiled.gettext(key) == message.string


@pytest.mark.parametrize("code", CODES)
def test_translations_keep_the_fields_of_their_sentences(code: str) -> None:
    wrong = []
    for key, message in catalogue(code).items():
        forms = [message.string] if isinstance(message.string, str) else list(message.string)
        for form in filter(None, forms):
            if set(FIELDS.findall(form)) != set(FIELDS.findall(key)):
                wrong.append((key, form))
    assert wrong == []


@pytest.mark.parametrize("code", CODES)
def test_every_word_of_the_pages_is_translated(code: str) -> None:
    known = {key for key, message in catalogue(code).items() if message.string and all(message.string)}
    missing = []
    for path in [
        *ROOT.glob("templates/web/**/*.html"),
        *ROOT.glob("templates/*.html"),
        *ROOT.glob("templates/account/*.html"),
    ]:
        for words in re.findall(r"{% translate [\"'](.+?)[\"'] ?%}", path.read_text(encoding="utf-8")):
            if words not in known:
                missing.append((path.name, words))
    for path in ROOT.glob("apps/web/**/*.py"):
        for words in re.findall(r"""\b(?:gettext|_)\(\s*"((?:[^"\\]|\\.)+)"\s*\)""", path.read_text(encoding="utf-8")):
            if words not in known:
                missing.append((path.name, words))
    assert missing == []


@pytest.mark.parametrize(
    ("code", "one", "few", "many"),
    [
        ("ru", "1 участник", "3 участника", "5 участников"),
        ("es", "1 miembro", "3 miembros", "5 miembros"),
        ("zh-hans", "1 名成员", "3 名成员", "5 名成员"),
    ],
)
def test_numbers_agree_with_their_words(code: str, one: str, few: str, many: str) -> None:
    words = Template(
        "{% load i18n %}{% blocktranslate count n=n %}{{ n }} member{% plural %}{{ n }} members{% endblocktranslate %}"
    )
    with translation.override(code):
        assert [words.render(Context({"n": n})) for n in (1, 3, 5)] == [one, few, many]


def test_names_of_languages_are_in_the_readers_language() -> None:
    with translation.override("es"):
        assert language("pt-BR") == "Portugués (Brasil)"
    with translation.override("zh-hans"):
        assert language("ja-JP") == languages.name_in("ja-JP", "zh-hans") == "日语 (日本)"
    with translation.override("ru"):
        assert language("de-DE") == "Немецкий (Германия)"


def test_sizes_and_times_follow_the_language() -> None:
    with translation.override("ru"):
        assert filesize(48_200_000) == "48,2 MB"
        assert span(192) == "3 мин 12 с"
    with translation.override("en"):
        assert filesize(48_200_000) == "48.2 MB"
        assert (span(42), span(180), span(192), span(7200), span(7320)) == ("42 s", "3 m", "3 m 12 s", "2 h", "2 h 2 m")


def test_allauths_headings_are_in_sentence_case() -> None:
    with translation.override("en"):
        assert sentence_case("Two-Factor Authentication") == "Two-factor authentication"
        assert sentence_case("  Change\n Password ") == "Change password"
        assert sentence_case("Enter the QR Code") == "Enter the QR code"
