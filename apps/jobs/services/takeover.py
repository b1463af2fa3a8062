"""What the portal takes over from a finished stage of the built-in engine: length, transcript, voices; and what it puts back in."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from django.db import transaction

from apps.core.errors import JobError
from apps.engine.lipsync.types import DUB_FACTS_FILE
from apps.engine.settings import EngineSettings
from apps.engine.transcript import Transcript as Document
from apps.engine.workspace import PROBE_FILE, RECOGNIZED_FILE, TRANSCRIPT_FILE, Workspace
from apps.jobs import states
from apps.jobs.models import Job
from apps.jobs.services import pricing, reuse
from apps.jobs.services.rework import NOT_MADE, REVISION, VOICES
from apps.plans.services import resize_hold
from apps.projects.models import Transcript
from apps.projects.selectors import transcript_for
from apps.projects.services import save_revision
from apps.projects.services.fetch import engine_settings, remember_probe

SPEAK_FACTS: Final = "speak.json"
TRANSLATE_FACTS: Final = "translate.json"


def transcript_name(stage: str) -> str:
    """The workspace's transcript as it is after `recognize` or `translate`."""
    return RECOGNIZED_FILE if stage == states.RECOGNIZE else TRANSCRIPT_FILE


def settings_for(job: Job) -> EngineSettings:
    """The engine's settings for one job: what was made of its source before is at hand."""
    assert job.translation is not None
    folder = reuse.folder_for(job.translation.project.source_asset)
    return msgspec.structs.replace(engine_settings(), reuse_dir=str(folder) if folder else "")


def measure(job: Job, workspace: Workspace, owner: str) -> int:
    """The measured length in ms: kept on the asset, and the hold fitted to it while it was only assumed before."""
    assert job.translation is not None
    found: dict[str, Any] = workspace.read_json(PROBE_FILE)
    asset = job.translation.project.source_asset
    remember_probe(asset, found)
    measured = asset.duration_ms or 0
    fit_hold(job, measured, owner)
    return measured


def fit_hold(job: Job, measured: int, owner: str) -> None:
    """Fits the hold to the measured length (ms), while it was only assumed before. Raises JobError 10910."""
    hold = job.hold
    # Once for each attempt: a price that rises while the job is under way is not this customer's.
    if hold is None or job.measured_ms is not None:
        return
    # An iteration's price is that of its changed lines, known to the second when it was admitted.
    wanted = hold.amount if job.base_job_id is not None else pricing.price(job, measured)
    key = f"resize:{job.public_id}:{job.attempt}"
    with transaction.atomic():
        if hold.amount != wanted and not resize_hold(hold=hold, amount=wanted, business_key=key):
            raise JobError(10910)
        Job.objects.filter(pk=job.pk, lease_owner=owner).update(measured_ms=measured, estimate=wanted)


def keep_translation(job: Job, workspace: Workspace, owner: str) -> None:
    """The translated text becomes a revision, and the job remembers which: an edit is later compared with it."""
    assert job.translation is not None
    with transaction.atomic():
        # Together with the job's own row: a worker killed in between makes it once more, not a second one over an edit.
        if not _remember(job, owner, {}):
            return
        row = save_revision(
            actor=None,
            translation=job.translation,
            document=workspace.read_transcript(TRANSCRIPT_FILE),
            origin=Transcript.Origin.TRANSLATED,
        )
        _remember(job, owner, {REVISION: row.revision})


def keep_voices(job: Job, workspace: Workspace, owner: str) -> None:
    """Who spoke with which voice: in the next iteration everybody keeps theirs."""
    facts: dict[str, Any] = workspace.read_json(SPEAK_FACTS)
    _remember(job, owner, {VOICES: facts["voices"]})


def keep_lipsync(job: Job, workspace: Workspace, owner: str) -> None:
    """Whether any mouth could be painted: where none could, lip sync is not charged."""
    facts: dict[str, Any] = workspace.read_json(DUB_FACTS_FILE)
    _remember(job, owner, {NOT_MADE: [] if facts["frames_painted"] else ["lipsync"]})


def overlay(job: Job, workspace: Workspace, stage: str) -> None:
    """The reviewed transcript replaces what the stage made; done again on every take-up, it changes nothing."""
    assert job.translation is not None
    reviewed = transcript_for(job.translation, job.reviewed_revision)
    _write(workspace, transcript_name(stage), msgspec.convert(reviewed.document, Document))


def put_given_text(job: Job, workspace: Workspace) -> None:
    """An iteration's text, as recognition and translation would have left it."""
    assert job.translation is not None
    rows = Transcript.objects.filter(translation=job.translation, revision__lte=job.reviewed_revision or 0)
    edited = transcript_for(job.translation, job.reviewed_revision)
    # Whose voice sounds how is guessed from the text as the machine cut it, never from an edit.
    made = rows.filter(origin=Transcript.Origin.TRANSLATED).first() or edited
    _write(workspace, RECOGNIZED_FILE, msgspec.convert(made.document, Document))
    _write(workspace, TRANSCRIPT_FILE, msgspec.convert(edited.document, Document))
    if not workspace.exists(TRANSLATE_FACTS):
        workspace.write_json(TRANSLATE_FACTS, {"given": edited.line_count})


def voices_before(job: Job) -> dict[str, str]:
    """Speaker -> voice of the job that an iteration starts from, as far as the engine remembers."""
    memo: Any = job.base_job.provider_memo if job.base_job is not None else {}
    found = memo.get(VOICES) if isinstance(memo, dict) else None
    return {str(who): str(voice) for who, voice in found.items()} if isinstance(found, dict) else {}


def _write(workspace: Workspace, name: str, document: Document) -> None:
    if not workspace.exists(name) or workspace.read_transcript(name) != document:
        workspace.write_transcript(name, document)


def _remember(job: Job, owner: str, facts: dict[str, Any]) -> bool:
    """Adds to what the engine remembers of the job; False when it is not ours any more."""
    memo = dict(job.provider_memo) | facts
    if not Job.objects.filter(pk=job.pk, status=states.PROCESSING, lease_owner=owner).update(provider_memo=memo):
        return False
    job.provider_memo = memo
    return True
