"""Azure's wire: WebVTT both ways, units, orders to inputs and back, errors and reasons, and every word of the documents."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.errors import JobError
from apps.engine.subtitles import read
from apps.engine.transcript import Line, Speaker, Transcript
from apps.providers.azure import failures, mapping, webvtt, wire
from apps.providers.azure.parameters import PARAMETERS
from apps.providers.azure.provider import VENDOR
from apps.providers.azure.state import digest
from apps.providers.base import problems
from apps.providers.conversation import Account, AccountRefused, Throttled, Unavailable, Verdict, WireReply, Work
from apps.providers.orders import TranslationOrder
from tests.providers.azure import openapi

needs_reference = pytest.mark.skipif(not openapi.present(), reason=f"Azure's OpenAPI not found at {openapi.FOLDER}")
ACCOUNT = Account(id="1", endpoint="https://eastus.example.com", values={"key": "k"})
words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=40).map(
    lambda text: " ".join(text.split())
)


def transcript(*pairs: tuple[str, str]) -> Transcript:
    """Lines of two seconds."""
    lines = [
        Line(id=f"l{n}", start=2.0 * n, end=2.0 * n + 1.5, source=source, target=target, speaker="s1")
        for n, (source, target) in enumerate(pairs)
    ]
    return Transcript(
        source_language="es-ES", target_locale="en-US", duration=100.0, speakers=[Speaker("s1", "s1")], lines=lines
    )


class TestTexts:
    """WebVTT."""

    @needs_reference
    def test_the_samples(self) -> None:
        """Microsoft's own files: read, written again and read to the same; the plain one is read as subtitles."""
        data = (openapi.FOLDER / "webvtt" / "metadata_json_sample.vtt").read_bytes()
        found = webvtt.read_metadata(data, source_language="es-ES", target_locale="en-US")
        lines = found.transcript.lines
        assert len(lines) == 7 and (lines[0].start, lines[0].end) == (0.32, 3.88)
        assert lines[0].id == "c0dd296f-3eac-4d4d-ac35-ff3eaf655612" and lines[4].speaker == "Speaker0"
        assert found.speakers["Speaker0"]["defaultSsmlProperties"]["voiceName"] == "en-US-GuyNeural"
        assert found.genders == {"Speaker0": "Male"}
        text = webvtt.write_metadata(found.transcript, speakers=found.speakers, genders=found.genders)
        again = webvtt.read_metadata(text.encode(), source_language="es-ES", target_locale="en-US")
        assert again == found
        plain = (openapi.FOLDER / "webvtt" / "target_locale_sample.vtt").read_bytes()
        merged = webvtt.with_target_subtitle(plain, found.transcript)
        assert merged.lines[0].target == "Microsoft has been committed to El Salvador for 25 years."
        assert (
            merged.lines[1].target
            == "Microsoft represents innovation and embodies the present and future of El Salvador."
        )

    @given(st.lists(st.tuples(words, words), min_size=1, max_size=5))
    @settings(max_examples=25, deadline=None)
    def test_round_trip(self, pairs: list[tuple[str, str]]) -> None:
        """Any text survives, arrows and braces included."""
        made = transcript(*pairs, ("a --> b {", '} "quoted" </v>'))
        text = webvtt.write_metadata(made).encode()
        found = webvtt.read_metadata(text, source_language="es-ES", target_locale="en-US", duration=100.0)
        assert found.transcript == made

    def test_oddities(self) -> None:
        """Cue numbers, notes, short times, CRLF, doubled and missing ids, unknown members and nulls."""
        cues = [
            {"id": "a", "translatedText": "One", "speakerId": None, "ssmlProperties": None, "extra": [1]},
            {"id": "a", "translatedText": "Two"},
            {"translatedText": 3, "sourceLocaleText": "Tres"},
        ]
        rows = [f"{n}\r\n00:0{n}.000 --> 00:0{n}.500 line:0\r\n\r\n{json.dumps(cue)}\r\n" for n, cue in enumerate(cues)]
        data = ("\ufeffWEBVTT\r\n\r\nNOTE hello\r\n\r\n" + "\r\n".join(rows)).encode()
        lines = webvtt.read_metadata(data, source_language="", target_locale="en-US").transcript.lines
        assert [(line.id, line.target, line.start) for line in lines] == [
            ("a", "One", 0.0),
            ("l1", "Two", 1.0),
            ("l2", "", 2.0),
        ]

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"WEBVTT\n",
            b"WEBVTT\n\n00:00.000 --> 00:01.000\nplain text\n",
            b"WEBVTT\n\n00:00.000 --> 00:01.000\n[1]\n",
        ],
    )
    def test_no_metadata(self, data: bytes) -> None:
        with pytest.raises(JobError) as caught:
            webvtt.read_metadata(data, source_language="", target_locale="en-US")
        assert caught.value.code == 10034

    def test_what_we_knew_is_kept(self) -> None:
        """Words and labels of lines that were not changed."""
        earlier = transcript(("Hola", "Hello"), ("Adiós", "Bye"))
        earlier.lines[0].words = earlier.lines[1].words = [webvtt_word()]
        earlier.speakers = [Speaker("s1", "Ana", pitch=200.0)]
        edited = transcript(("Hola", "Hi"), ("Adiós, pues", "Bye"))
        merged = webvtt.merged(edited, earlier)
        assert [bool(line.words) for line in merged.lines] == [True, False]
        assert merged.speakers == earlier.speakers and merged.lines[0].target == "Hi"

    def test_plain(self) -> None:
        """Text only: no speakers, no line breaks of ours."""
        cues = read(webvtt.write_plain(transcript(("Hola", "Hello"), ("", "Bye")), "source").encode())
        assert [(cue.text, cue.speaker) for cue in cues] == [("Hola", "")]


def webvtt_word() -> Any:
    from apps.engine.transcript import Word

    return Word(0.0, 0.5, "Hola")


class TestUnits:
    """Sizes that the two sides count differently."""

    def test_font_and_margin_come_back(self) -> None:
        for size in range(wire.FONT_SIZES[0], wire.FONT_SIZES[1] + 1):
            assert mapping.font_size_to_theirs(mapping.font_size_to_ours(size)) == size
        for margin in range(wire.MARGINS[0], wire.MARGINS[1] + 1):
            assert mapping.margin_to_theirs(mapping.margin_to_ours(margin)) == margin

    def test_captions_never_grow(self) -> None:
        for chars in range(mapping.CAPTION_CHARS[0], mapping.CAPTION_CHARS[1] + 1):
            rows, width = mapping.caption_to_ours(chars)
            assert rows * width <= chars and rows * width > chars - rows and 8 <= width <= 120


class TestOrders:
    """Order -> inputs -> order."""

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"source_language": "auto", "media_type": "audio", "voice": {"kind": "personal", "emotion": "off"}},
            {
                "speaker_count": {"min": 2, "max": 2},
                "voice": {"emotion": "on", "background_volume": 60, "lexicon_url": "https://media.example.com/l.xml"},
                "subtitle_style": {
                    "burn_in": True, "format": "ass", "font_size": 50, "margin_v": 0.25, "primary_color": "EBA205",
                    "max_lines": 2, "max_chars_per_line": 40,
                },
                "timing": {"adjust_video_speed": True}, "ocr_correction": True, "steps": ["subtitles", "voice", "lipsync"],
            },
        ],
    )  # fmt: skip
    def test_there_and_back(self, fields: dict[str, Any]) -> None:
        given = {
            "source": {"url": "https://media.example.com/talk"}, "target_locales": ["pt-BR"], "source_language": "en-US",
            "media_type": "video", "subtitle_style": {"format": "vtt"},
        }  # fmt: skip
        order = msgspec.convert(given | fields, TranslationOrder)
        assert problems(VENDOR, order) == {}
        sent = mapping.translation_input(order, "https://media.example.com/talk")
        iteration = mapping.iteration_input(order, wire.VERSION_2026, None)
        back = msgspec.convert(mapping.order_fields(sent, iteration), TranslationOrder)
        assert back == order

    @pytest.mark.parametrize(
        ("fields", "name"),
        [
            ({"steps": ["subtitles"]}, "steps"),
            ({"export_type": "all"}, "export_type"),
            ({"export_type": "audio"}, "export_type"),
            ({"export_type": "video", "media_type": "audio"}, "export_type"),
            ({"subtitle_source": "ocr"}, "subtitle_source"),
            ({"speaker_count": {"min": 1, "max": 3}}, "speaker_count"),
            ({"voice": {"background_volume": 0}}, "voice.background_volume"),
            ({"voice": {"by_scene": True}}, "voice.by_scene"),
            ({"subtitle_style": {"font_size": 80}}, "subtitle_style.font_size"),
            ({"subtitle_style": {"margin_v": 0.8}}, "subtitle_style.margin_v"),
            ({"subtitle_style": {"margin_l": 0.1}}, "subtitle_style.margin_l"),
            ({"subtitle_style": {"outline": 1.0}}, "subtitle_style.outline"),
            ({"subtitle_style": {"max_lines": 1}}, "subtitle_style.max_lines"),
            ({"subtitle_style": {"max_lines": 0, "max_chars_per_line": 30}}, "subtitle_style.max_lines"),
            ({"subtitle_style": {"erase_source": True}}, "subtitle_style.erase_source"),
            ({"timing": {"punctuation_split": False}}, "timing.punctuation_split"),
            ({"timing": {"rewrite": True}}, "timing.rewrite"),
            ({"glossaries": ["glo_12345678"]}, "glossaries"),
            ({"prompt": "Be kind."}, "prompt"),
            ({"vision": True}, "vision"),
            ({"hls": True}, "hls"),
            ({"target_locales": ["zz-ZZ"]}, "target_locales.0"),
            (
                {
                    "subtitle_source": "file",
                    "subtitle": {"url": "https://media.example.com/s.vtt", "usage": "bilingual"},
                },
                "subtitle.usage",
            ),
        ],
    )
    def test_refused_by_name(self, fields: dict[str, Any], name: str) -> None:
        given = {
            "source": {"url": "https://media.example.com/talk"},
            "target_locales": ["pt-BR"],
            "source_language": "en-US",
        }
        assert name in problems(VENDOR, msgspec.convert(given | fields, TranslationOrder))


class TestErrors:
    """Answers that are no answers."""

    @pytest.mark.parametrize(
        ("status", "body", "headers", "raised"),
        [
            (429, b"", {"retry-after": "7"}, Throttled),
            (429, b"{}", {"retry-after-ms": "1500"}, Throttled),
            (401, b"x", {}, AccountRefused),
            (403, b'{"error": {"code": "Forbidden", "message": "Out of call volume quota."}}', {}, AccountRefused),
            (500, b"", {}, Unavailable),
            (503, b"{", {}, Unavailable),
            (302, b"", {}, Unavailable),
            (408, b"", {}, Unavailable),
            (200, b"<html>", {}, Unavailable),
            (200, b"[]", {}, Unavailable),
            (
                400,
                b'{"error": {"code": "InvalidRequest", "message": "No.", "target": "input.targetLocale"}}',
                {},
                JobError,
            ),
            (400, b'{"error": null}', {"x-ms-error-code": "InvalidRequest"}, JobError),
        ],
    )
    def test_statuses(self, status: int, body: bytes, headers: dict[str, str], raised: type[Exception]) -> None:
        with pytest.raises(raised) as caught:
            failures.read(WireReply(status, headers, body))
        if isinstance(caught.value, Throttled):
            assert caught.value.retry_after == (1.5 if "retry-after-ms" in headers else 7.0)
        if b"targetLocale" in body:
            assert isinstance(caught.value, JobError) and caught.value.code == 10906
        if "x-ms-error-code" in headers:
            assert "InvalidRequest" in str(caught.value)

    def test_retry_after_as_a_date(self) -> None:
        assert failures.retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
        assert failures.retry_after({"retry-after": "soon"}) is None


class TestConversation:
    """Answers that the stub does not give, read one at a time."""

    remote = VENDOR.remote
    order = msgspec.convert(
        {"source": {"url": "https://media.example.com/talk"}, "target_locales": ["pt-BR"], "media_type": "video"},
        TranslationOrder,
    )

    def work(self, phase: str, **memo: Any) -> Work:
        kept = {"phase": phase, "translation": "job-1", "operation": "job-1-t", "iteration": "job-1-i1"} | memo
        return Work(asked=self.order, client_id="job-1", memo=kept)

    def take(self, phase: str, operation: str, body: Any, status: int = 200, **memo: Any) -> Verdict:
        return self.remote.take(self.work(phase, **memo), operation, WireReply(status, {}, msgspec.json.encode(body)))

    @pytest.mark.parametrize(
        ("phase", "operation", "status", "body", "standing", "next_phase"),
        [
            (
                "translation",
                "CreateTranslation",
                409,
                {"error": {"code": "Conflict"}},
                "working",
                "translation-operation",
            ),
            ("translation-operation", "GetOperation", 404, {}, "working", "translation-read"),
            ("iteration-operation", "GetOperation", 404, {}, "working", "iteration-read"),
            ("iteration-operation", "GetOperation", 200, {"id": "x", "status": None}, "unknown", None),
            ("translation-read", "GetTranslation", 200, {"id": "x", "latestIteration": None}, "working", "iteration"),
            # The service makes the first iteration by itself: one of ours beside it would be paid twice.
            ("translation-read", "GetTranslation", 200, {"input": {"autoCreateFirstIteration": True}}, "working", None),
            ("translation-read", "GetTranslation", 200, {"latestIteration": {"id": "1"}}, "working", "iteration-read"),
            ("translation-read", "GetTranslation", 200, {"failureReason": "No speech found"}, "failed", None),
            ("iteration-read", "GetIteration", 200, {"status": None}, "unknown", None),
            ("iteration-read", "GetIteration", 200, {"status": "Canceled"}, "canceled", None),
            ("iteration-read", "GetIteration", 200, {"status": "Failed", "failureReason": None}, "failed", None),
            ("metadata", "GetMetadata", 403, {}, "working", "iteration-read"),
        ],
    )
    def test_one_answer(
        self, phase: str, operation: str, status: int, body: Any, standing: str, next_phase: str | None
    ) -> None:
        verdict = self.take(phase, operation, body, status)
        assert verdict.status == standing
        assert (verdict.memo or {}).get("phase") == next_phase

    def test_nothing_but_nulls_is_no_result(self) -> None:
        """Succeeded without a film."""
        body = {"status": "Succeeded", "result": dict.fromkeys(wire.RESULTS)}
        with pytest.raises(JobError) as caught:
            self.take("iteration-read", "GetIteration", body)
        assert caught.value.code == 10908

    def test_a_review_without_changes_costs_nothing_more(self) -> None:
        """What the first iteration made is read again; one changed word makes a second iteration."""
        order = msgspec.structs.replace(self.order, review_after="translate")
        shown = transcript(("Good morning.", "Bom dia."))
        work = Work(asked=order, client_id="job-1", memo={}, reviewed=True, transcript=shown)
        memo = {"phase": "review", "translation": "job-1", "iteration": "Initial", "shown": digest(shown, work)}
        work = replace(work, memo=memo)
        assert self.remote.next_step(work, ACCOUNT).operation == "GetIteration" and self.remote.attachments(work) == {}
        edited = replace(work, transcript=transcript(("Good morning.", "Bom dia!")))
        assert b"Bom dia!" in self.remote.attachments(edited)["transcript.vtt"]
        step = self.remote.next_step(replace(edited, links={"transcript.vtt": "https://x.example.com/t.vtt"}), ACCOUNT)
        assert step.operation == "CreateIteration" and step.request.url.endswith(
            "/iterations/job-1-i2?api-version=2026-03-01"
        )
        text = {"url": "https://x.example.com/t.vtt", "kind": "MetadataJson"}
        assert msgspec.json.decode(step.request.body)["input"]["webvttFile"] == text

    def test_a_later_iteration_whose_translation_is_gone(self) -> None:
        """A new translation is made from the edited text, line ids in the service's own form."""
        links = {"transcript.vtt": "https://x.example.com/t.vtt"}
        work = Work(
            asked=self.order, client_id="job-2", memo={"phase": "translation", "fresh": True}, iteration=2, reviewed=True,
            earlier={"translation": "job-1"}, transcript=transcript(("Good morning.", "Boa noite.")), links=links,
        )  # fmt: skip
        body = msgspec.json.decode(self.remote.next_step(work, ACCOUNT).request.body)
        assert body["firstIterationInput"]["webvttFile"] == {"url": links["transcript.vtt"], "kind": "MetadataJson"}
        written = self.remote.attachments(work)["transcript.vtt"]
        (line,) = webvtt.read_metadata(written, source_language="", target_locale="pt-BR").transcript.lines
        assert wire.GUID.fullmatch(line.id) and line.target == "Boa noite."

    def test_what_is_gone(self) -> None:
        """Our own translation: the end. An earlier job's: all is made anew."""
        with pytest.raises(JobError):
            self.take("iteration-read", "GetIteration", {}, 404)
        verdict = self.take("iteration", "CreateIteration", {}, 404, borrowed=True)
        assert verdict.memo == {"phase": "translation", "fresh": True}


@needs_reference
@pytest.mark.parametrize("version", openapi.VERSIONS)
def test_every_word_of_the_document_is_in_the_table(version: str) -> None:
    """Every field, enum value, parameter and header of the OpenAPI has its row in Capabilities.parameters."""
    table = " ".join(f"{row.theirs} " for row in PARAMETERS)
    rows = {part for row in PARAMETERS for part in row.theirs.replace(",", " ").replace(".", " ").split()}
    document = openapi.document(version)
    ours = {
        "input",
        "status",
        "id",
        "result",
        "value",
        "firstIterationInput",
        "properties",
        "url",
        "kind",
        "webvttFile",
    }
    ours |= set(document["definitions"]["EventHubConfiguration"]["properties"])  # one row for all of it
    for definition in document["definitions"].values():
        for field in definition.get("properties", {}):
            assert field in rows or field in ours or field == "iteration", field
        for value in definition.get("enum", ()):
            assert value in rows, (value, table)
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation["parameters"]:
                name = parameter.get("name") or document["parameters"][parameter["$ref"].rpartition("/")[2]]["name"]
                assert name in rows or name in ("body", "resource", "operationId"), name


@needs_reference
def test_the_examples_are_read() -> None:
    """Every iteration and translation in the official examples is one that the adapter can read."""
    from apps.providers.azure.results import links_of

    count = 0
    for path in sorted(openapi.FOLDER.glob("*/examples/*.json")):
        example = json.loads(path.read_text(encoding="utf-8"))
        for answer in example["responses"].values():
            body = answer.get("body") or {}
            for iteration in (body, body.get("latestIteration") or {}, body.get("latestSucceededIteration") or {}):
                count += 1
                links = links_of(iteration)
                assert not iteration.get("result") or len(links) >= 4
    assert count > 20
