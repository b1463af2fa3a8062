"""Every job code: what this engine can reach is reached by a real file and a real order; of the others, why not."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from apps.accounts.actor import Actor
from apps.core.errors import ApiError, job_codes
from apps.engine.transcript import Transcript as Document
from apps.events.models import Event
from apps.jobs import services
from apps.jobs.models import ConcurrencyCounter, Job
from apps.plans.models import Hold, LedgerEntry, Wallet
from apps.plans.services import check_books
from apps.projects.models import Asset, Transcript
from apps.projects.services import create_asset_from_file
from tests.factories import make_organization, owner_of
from tests.jobs import bad_media
from tests.jobs.helpers import SRT, order, submitted
from tests.sites import hosted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine, pytest.mark.timeout(180)]

LATE = "1\n01:00:00,000 --> 01:00:02,000\nBom dia.\n"
NOTES = "1\n00:00:00,200 --> 00:00:01,400\n♪ ♪\n\n2\n00:00:01,600 --> 00:00:02,800\n...\n"
FINNISH = "1\n00:00:00,200 --> 00:00:02,400\nHyvää päivää kaikille, tänään puhumme siitä, miten talo rakennetaan.\n"
DUB = ["subtitles", "voice"]
WELSH = (
    "1\n00:00:00,200 --> 00:00:02,400\nBore da i chi i gyd, mae hi'n braf iawn yma heddiw yng Nghymru.\n"
    "Rydym ni'n mynd i siarad am y ty newydd a'r ardd fawr y tu ol iddo.\n"
)


@dataclass(frozen=True)
class Case:
    """One way to a code. Text is given and finished unless `listen`; from en-US into en-GB no translation weights are needed.

    engine: changes of this installation's settings (a callable gets the test's folder); emptied: a reviewer deletes all text;
    linked: the media is given as a link, so that nobody looks into it before the job runs.
    """

    code: int
    media: Callable[[Path], Path] | None = bad_media.clip
    fields: Mapping[str, Any] = field(default_factory=dict)
    subtitle: str = SRT
    usage: str = "final_translated"
    listen: bool = False
    engine: Mapping[str, Any] | Callable[[Path], Mapping[str, Any]] = field(default_factory=dict)
    plan: str = "business"
    weights: bool = False
    emptied: bool = False
    linked: bool = False


OCR = {"subtitle_source": "ocr", "ocr_text_box": {"x": 0.0, "y": 0.5, "width": 1.0, "height": 0.5}}
REACHED: dict[str, Case] = {
    "a sound file ordered as video": Case(10001, bad_media.sound_only, {"media_type": "video"}),
    "a mute film to listen to": Case(10002, bad_media.picture_only, listen=True),
    "sound of eighty channels": Case(10003, bad_media.too_many_channels),
    "speech recognition's weights are broken": Case(
        10020, listen=True, engine=lambda folder: {"model_dir": str(bad_media.broken_weights(folder))}
    ),
    "two speakers wanted, no weights to tell them apart": Case(
        10021, fields={"speaker_count": {"min": 2}}, engine=lambda folder: {"model_dir": str(folder)}
    ),
    "a reviewer deleted every word": Case(10030, fields={"review_after": "recognize"}, usage="original", emptied=True),
    "no letters in the picture": Case(10032, bad_media.picture_only, OCR, listen=True),
    "letters that the reader does not know": Case(
        10033, fields=OCR | {"source_language": "ar-EG", "target_locales": ["ar-SA"]}, listen=True
    ),
    "subtitles beyond the end": Case(10034, subtitle=LATE),
    "subtitles that are none": Case(10034, subtitle="Dear customer,\nplease find the subtitles attached.\n"),
    "speech played backwards": Case(10041, bad_media.backwards, {"source_language": "auto"}, listen=True, weights=True),
    "silence": Case(10042, bad_media.silence, listen=True, weights=True),
    "nothing that can be spoken": Case(10044, fields={"steps": DUB}, subtitle=NOTES),
    "a link that nobody serves": Case(10901, None),
    "half of an upload": Case(10902, bad_media.cut_off),
    "a stage past its time": Case(10903, engine={"more": {"timeout_base": 0.05, "timeout_per_second": 0.0}}),
    "a picture named mp4, by link": Case(10904, bad_media.picture_file, linked=True),
    "ten megapixels": Case(10905, bad_media.too_sharp),
    "longer than this installation takes": Case(10905, engine={"max_source_seconds": 1}),
    "a language that no weights lead from": Case(
        10906, fields={"source_language": "auto"}, subtitle=FINNISH, usage="original"
    ),
    "a language that nobody offers": Case(10906, fields={"source_language": "auto"}, subtitle=WELSH, usage="original"),
    "files larger than this installation allows": Case(10907, bad_media.ten_minutes, engine={"max_output_mb": 1}),
    "longer than the wallet reaches": Case(10910, bad_media.ten_minutes, {"steps": DUB}, plan="free"),
    "the installation lacks ffmpeg": Case(10999, engine={"ffmpeg": "/nowhere/bin/ffmpeg"}),
}
# Told at the order already: field that the answer names, and what was asked.
REFUSED_AT_ORDER: dict[int, tuple[str, dict[str, Any]]] = {
    10040: ("voice.kind", {"steps": DUB, "voice": {"kind": "personal"}}),
}
ELSEWHERE = {
    10911: "lip sync: tests/jobs/test_lipsync_codes.py",
    10912: "lip sync: tests/jobs/test_lipsync_codes.py",
    10913: "lip sync: tests/jobs/test_lipsync_codes.py",
    10914: "lip sync: tests/jobs/test_lipsync_codes.py",
    10908: "remote providers only: tests/providers/test_remote_road.py",
    10909: "not a failure but the customer's wish: test_a_canceled_job_carries_its_number below",
}
UNREACHABLE = {
    10004: "the streaming copy is cut from the mp4 that the engine has just written itself, and nothing is encoded again",
    10005: "no option crops the picture",
    10010: "the separator comes with the installation and takes any sound (settings may insist on one that is missing)",
    10022: "Chinese speakers are told apart by the same model as all others: 10021",
    10023: "lines are made of the recognized words themselves; when there are none the job ends with 10041",
    10031: "each block of speech is written in its main language, and lines are cut at pauses too, so mixed speech still makes lines",
    10043: "no voices are cloned here: 10040",
    10045: "every voice offered at the order is there, and a line that is spoken is always sound that can be fitted",
}


def test_the_tables_hold_every_code_once() -> None:
    reached = {case.code for case in REACHED.values()}
    others: list[int] = [*REFUSED_AT_ORDER, *ELSEWHERE, *UNREACHABLE]
    assert len(others) == len(set(others))
    assert not reached & set(others)
    assert reached | set(others) == set(job_codes())


@pytest.fixture
def actor(request: pytest.FixtureRequest, transactional_db: None) -> Actor:
    return owner_of(make_organization())


def closed_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def stored(actor: Actor, path: Path, kind: str = "media") -> str:
    return create_asset_from_file(actor=actor, path=path, file_name=path.name, kind=kind).public_id


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    with hosted(tmp_path) as url:
        yield url


def ordered(actor: Actor, case: Case, folder: Path, settings: Any, site: str = "") -> Job:
    """The case's job, admitted. `site` serves the folder, for linked media."""
    changes = case.engine(folder) if callable(case.engine) else case.engine
    settings.ENGINE = settings.ENGINE | changes
    fields: dict[str, Any] = {"target_locales": ["en-GB"], **case.fields}
    if case.media is None:
        port = closed_port()
        settings.PRIVATE_HOSTS_ALLOWED = (f"127.0.0.1:{port}",)
        fields["source"] = {"url": f"http://127.0.0.1:{port}/talk.mp4"}
    elif case.linked:
        settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1",)
        fields["source"] = {"url": f"{site}/{case.media(folder).name}"}
    else:
        fields["source"] = {"asset": stored(actor, case.media(folder))}
    if case.listen:
        fields = {"subtitle": None, "subtitle_source": "asr"} | fields
    else:
        words = folder / "given.srt"
        words.write_text(case.subtitle, encoding="utf-8")
        fields["subtitle"] = {"asset": stored(actor, words, "subtitle"), "usage": case.usage}
    return submitted(actor, order(**fields))


def work(job: Job) -> Job:
    """What the workers do, until the job is at rest."""
    services.advance(job.public_id)
    while services.run_engine(job.public_id):
        job.refresh_from_db()
        if job.status != "processing":
            break
    return Job.objects.select_related("hold", "translation").get(pk=job.pk)


def delete_all_text(actor: Actor, job: Job) -> Job:
    """A reviewer's edit, and on."""
    assert job.status == "paused" and job.translation is not None
    found = Transcript.objects.get(translation=job.translation)
    document = msgspec.convert(found.document, Document)
    for line in document.lines:
        line.source = line.target = ""
    services.edit_transcript(
        actor=actor, translation=job.translation, document=document, expected_revision=found.revision
    )
    return services.resume_job(actor=actor, job=job)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] if case.weights else []) for name, case in REACHED.items()]
)
def test_failed_numbered_explained_and_free(
    name: str, tmp_path: Path, site: str, settings: Any, request: pytest.FixtureRequest, transactional_db: None
) -> None:
    case = REACHED[name]
    if case.weights:
        request.getfixturevalue("model_dir")
    organization = make_organization(plan=case.plan)
    actor = owner_of(organization)
    had = Wallet.objects.get(organization=organization, pool="portal").available
    job = work(ordered(actor, case, tmp_path, settings, site))
    if case.emptied:
        job = work(delete_all_text(actor, job))

    assert (job.status, job.error_code) == ("failed", case.code), job.error
    assert_worded(job.error)
    assert job.hold is not None and job.hold.status == "released"
    assert (job.charged or 0, Hold.objects.filter(status="placed").count()) == (0, 0)
    assert not LedgerEntry.objects.filter(kind="capture").exists()
    wallet = Wallet.objects.get(organization=organization, pool="portal")
    assert (wallet.available, wallet.held) == (had, 0)
    assert check_books() == []
    assert ConcurrencyCounter.objects.get(organization=organization, api_key=None).running == 0
    told = Event.objects.get(subject_id=job.public_id, type="job.failed")
    assert (told.data["error_code"], told.data["error"]) == (job.error_code, job.error)
    assert job.artefacts.count() == 0


def assert_worded(reason: str) -> None:
    """A sentence for the customer: no paths, no names of our own code."""
    assert 10 < len(reason) < 300
    assert not re.search(r"/\w+/|\\|Traceback|Error\b|\.py\b|tmp", reason), reason


@pytest.mark.parametrize("code", REFUSED_AT_ORDER)
def test_told_before_any_work(code: int, actor: Actor, tmp_path: Path) -> None:
    name, fields = REFUSED_AT_ORDER[code]
    source = {"asset": stored(actor, bad_media.clip(tmp_path))}
    with pytest.raises(ApiError) as caught:
        submitted(actor, order(source=source, subtitle=None, subtitle_source="asr", **fields))
    assert caught.value.code == 5
    assert name in caught.value.errors
    assert not Job.objects.exists() and not Hold.objects.exists()


def test_a_canceled_job_carries_its_number(actor: Actor, tmp_path: Path, settings: Any) -> None:
    job = services.cancel_job(actor=actor, job=ordered(actor, Case(10909), tmp_path, settings))
    job = work(job)
    assert (job.status, job.error_code) == ("canceled", 10909)
    assert job.error == "Canceled"
    assert job.hold is not None and job.hold.status == "released"
    assert check_books() == []


def test_a_file_that_is_no_media_is_refused_at_the_next_order_too(actor: Actor, tmp_path: Path, settings: Any) -> None:
    job = work(ordered(actor, REACHED["half of an upload"], tmp_path, settings))
    assert job.error_code == 10902
    asset = Asset.objects.get(kind="media")
    assert (asset.status, asset.error_code) == ("failed", 10902)
    with pytest.raises(ApiError) as caught:
        submitted(actor, msgspec.convert(job.order, type(order())))
    assert "source.asset" in caught.value.errors


@pytest.mark.long
@pytest.mark.usefixtures("model_dir")
def test_mixed_speech_still_makes_lines(actor: Actor, shared_media: Path, settings: Any, tmp_path: Path) -> None:
    """English, then Chinese: what 10031 is for elsewhere comes out in the language that prevails."""
    case = Case(0, lambda _: shared_media / "mixed" / "en-zh-azure.wav", {"source_language": "auto"}, listen=True)
    job = work(ordered(actor, case, tmp_path, settings))
    assert (job.status, job.error) == ("completed", "")
    document = msgspec.convert(Transcript.objects.filter(translation=job.translation).latest("pk").document, Document)
    assert document.source_language.startswith(("en", "zh"))
    assert all(line.source.strip() and line.target.strip() for line in document.lines)
