"""Example answers of the OpenAPI document, made of the shapes themselves so that they can never be out of date."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from apps.api.schemas import assets, catalogue, iterations, jobs, money, transcripts, translations
from apps.core import errors
from apps.engine.transcript import Line, Speaker
from apps.engine.transcript import Transcript as Document

_T0: Final = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
_T1: Final = datetime(2026, 11, 21, 9, 31, 5, tzinfo=UTC)
_JOB_ID: Final = "job_0h5x2c9k3f7mq1az"
_TRN_ID: Final = "trn_0h5x2c9k3f7mq1b2"
_PRJ_ID: Final = "prj_0h5x2c9k3f7mq1b0"
_AST_ID: Final = "ast_0h5x2c9k3f7mq1a0"
_SHA: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

ORDER: Final[dict[str, Any]] = {
    "source": {"url": "https://example.com/talk.mp4"},
    "source_language": "auto",
    "target_locales": ["pt-BR", "ja-JP"],
    "steps": ["subtitles", "voice"],
    "voice": {"background_volume": 80},
    "subtitle_style": {"burn_in": False, "format": "srt"},
}
ARTEFACT: Final = jobs.Artefact(
    id="art_0h5x2d1k3f7mq1c3",
    job=_JOB_ID,
    kind="video",
    format="mp4",
    language="pt-BR",
    label="Video",
    file_name="talk.pt-BR.mp4",
    content_type="video/mp4",
    size=18_204_112,
    sha256=_SHA,
    duration=184.2,
    main=True,
    url="https://kinoglot.example/files/WyJhcnR~c2ln/talk.pt-BR.mp4",
    created_at=_T1,
)


def job(status: jobs.Status = "processing") -> jobs.Job:
    """A job that has just been admitted, or one that is done."""
    done = status == "completed"
    return jobs.Job(
        id=_JOB_ID,
        model="translate",
        status=status,
        output=ARTEFACT.url if done else None,
        error="",
        executionTime=62_345 if done else None,
        timings={"fetch": 900, "probe": 310, "recognize": 9_800, "translate": 2_100} if done else None,
        stage="done" if done else "queued",
        progress=jobs.Progress(
            fraction=1.0 if done else 0.0, done=29 if done else 0, total=29 if done else 0, unit="line"
        ),
        error_code=None,
        translation=_TRN_ID,
        iteration=1,
        provider="local",
        target_locale="pt-BR",
        artefacts=[ARTEFACT] if done else [],
        estimate="36.0",
        held="0.0" if done else "36.0",
        charged="36.0" if done else "0.0",
        created_at=_T0,
        started_at=_T0 if done else None,
        finished_at=_T1 if done else None,
        review_url=None,
    )


TRANSLATION: Final = translations.Translation(
    id=_TRN_ID,
    project=_PRJ_ID,
    name="talk",
    asset=_AST_ID,
    source_language="auto",
    target_locale="pt-BR",
    latest_job=_JOB_ID,
    revision=0,
    created_at=_T0,
)
SUBMITTED: Final = translations.Submitted(
    id=_JOB_ID,
    status="processing",
    project=_PRJ_ID,
    asset=_AST_ID,
    translations=[translations.SubmittedTranslation(id=_TRN_ID, target_locale="pt-BR", job=_JOB_ID)],
    jobs=[job()],
)
EVENT: Final = jobs.Event(
    id=4711,
    type="job.submitted",
    subject=_JOB_ID,
    actor=jobs.EventActor(kind="api_key", id="7f3k9q2m", label="production"),
    data={"target_locale": "pt-BR"},
    created_at=_T0,
)
ASSET: Final = assets.Asset(
    id=_AST_ID,
    kind="media",
    status="stored",
    file_name="talk.mp4",
    source_url="",
    size=17_990_233,
    sha256=_SHA,
    content_type="video/mp4",
    duration=184.2,
    probe={"container": "mov,mp4,m4a,3gp,3g2,mj2"},
    error_code=None,
    error="",
    url="https://kinoglot.example/files/WyJhc3Q~c2ln/talk.mp4",
    created_at=_T0,
)
FACES: Final = assets.AssetFaces(
    status="ready",
    code=None,
    reason="",
    width=1920,
    height=1080,
    at=14.2,
    faces=[
        assets.AssetFace(x=0.212, y=0.237, width=0.105, height=0.17, problem=None),
        assets.AssetFace(x=0.783, y=0.411, width=0.021, height=0.04, problem=errors.FACE_TOO_SMALL),
    ],
    picture_url="https://kinoglot.example/files/WyJhc3Q~c2ln/talk.faces.jpg",
)
UPLOAD: Final = assets.Upload(
    id="upl_0h5x2c9k3f7mq1d4",
    file_name="talk.mp4",
    kind="media",
    length=17_990_233,
    offset=8_388_608,
    asset=None,
    created_at=_T0,
    expires_at=datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
)
ESTIMATE: Final = money.Estimate(
    lines=[
        money.EstimateLine(locale="pt-BR", stage="subtitles", unit="minute", quantity=4, credits="8.0"),
        money.EstimateLine(locale="pt-BR", stage="voice", unit="minute", quantity=4, credits="16.0"),
    ],
    total="24.0",
    max_total="24.0",
    exact=True,
    wallet=money.WalletChange(pool="api", before="500.0", after="476.0", sufficient=True),
)
ITERATION_ESTIMATE: Final = iterations.IterationEstimate(
    base_job=_JOB_ID,
    base_revision=2,
    revision=3,
    changed_lines=["l0004", "l0009"],
    changed_seconds=8.36,
    silent_changes=1,
    options=[],
    unchanged=False,
    lines=[money.EstimateLine(locale="pt-BR", stage="voice", unit="second", quantity=9, credits="0.75")],
    total="0.75",
    wallet=money.WalletChange(pool="api", before="476.0", after="475.25", sufficient=True),
)
BALANCE: Final = money.Balance(
    pool="api",
    available="500.0",
    held="24.0",
    wallets=[
        money.Wallet(pool="portal", available="120.0", held="0.0"),
        money.Wallet(pool="api", available="500.0", held="24.0"),
    ],
)
LEDGER: Final = money.LedgerPage(
    pool="api",
    items=[
        money.LedgerEntry(
            id="led_0h5x2c9k3f7mq1e5",
            kind="hold",
            available="-24.0",
            held="24.0",
            available_after="476.0",
            held_after="24.0",
            job=_JOB_ID,
            note="",
            created_at=_T0,
        )
    ],
    next_cursor=None,
)
PLAN: Final = money.Plan(
    code="business",
    name="Business",
    status="active",
    api_access=True,
    portal_credits="2000.0",
    api_credits="2000.0",
    max_file_bytes=5_368_709_120,
    max_duration=7200,
    max_targets=20,
    translate_concurrency=10,
    lipsync_concurrency=5,
    requests_per_minute=600,
    retention_days=90,
    period_start=_T0,
    period_end=None,
)
LANGUAGES: Final = catalogue.Languages(
    source=[
        catalogue.Language(
            code="en-US",
            name="English (US)",
            autonym="English (United States)",
            localized_name="English",
            direction="ltr",
        )
    ],
    target=[
        catalogue.Language(
            code="pt-BR",
            name="Portuguese (Brazil)",
            autonym="português (Brasil)",
            localized_name="Portuguese (Brazil)",
            direction="ltr",
        )
    ],
)
GLOSSARY_SUMMARY: Final = catalogue.GlossarySummary(
    id="gls_0h5x2c9k3f7mq1f6",
    name="Product names",
    source_language="en-US",
    target_locale="pt-BR",
    version=1,
    term_count=1,
    created_at=_T0,
)
GLOSSARY: Final = catalogue.Glossary(
    id="gls_0h5x2c9k3f7mq1f6",
    name="Product names",
    source_language="en-US",
    target_locale="pt-BR",
    version=1,
    terms=[catalogue.Term(source="Kinoglot", do_not_translate=True)],
    created_at=_T0,
)
TRANSCRIPT: Final = transcripts.TranscriptRevision(
    translation=_TRN_ID,
    revision=2,
    origin="translated",
    created_at=_T1,
    document=Document(
        source_language="en-US",
        target_locale="pt-BR",
        duration=184.2,
        speakers=[Speaker("s1", "Speaker 1", 118.0)],
        lines=[Line(id="l1", start=0.8, end=3.1, source="Welcome back.", target="Bem-vindos de volta.", speaker="s1")],
    ),
)
TRANSCRIPT_JSON: Final[dict[str, Any]] = msgspec.to_builtins(TRANSCRIPT)
