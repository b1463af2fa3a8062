"""A small world for the pages: an organization with people, keys and a job in every state, made by the real services."""

from __future__ import annotations

import wave
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import Client
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.accounts.models import Organization, User
from apps.accounts.services import create_api_key, invite_member, revoke_api_key
from apps.core.errors import JobError
from apps.engine.transcript import Line, Speaker
from apps.engine.transcript import Transcript as Document
from apps.events import log
from apps.jobs import services
from apps.jobs.models import Artefact, Job, ProviderAccount
from apps.plans.services import capture_hold
from apps.projects import storage
from apps.projects.services import save_revision
from tests.factories import add_member, make_organization, make_user, owner_of
from tests.jobs.helpers import submitted, subtitles_order

PASSWORD = "correct horse"


@dataclass
class World:
    """What a test needs to find its way: the owner, and the public id of a job in each state."""

    user: User
    organization: Organization
    actor: Actor
    jobs: dict[str, str] = field(default_factory=dict)
    webhooks: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)

    def cookie(self) -> str:
        """A signed-in session."""
        return session_of(self.user)

    def job(self, state: str) -> Job:
        """The job in that state."""
        return Job.objects.get(public_id=self.jobs[state])


def session_of(user: User) -> str:
    """A session cookie of a person who has signed in."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def make_world(name: str = "Northbeam", credits: int = 500) -> World:
    """An organization with its owner and nothing else."""
    user = make_user(name="Mara Lind")
    # The test run's hasher is not one that the real server knows.
    user.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1000)
    user.save(update_fields=["password"])
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    organization = make_organization(owner=user, credits=credits, name=name)
    return World(user=user, organization=organization, actor=owner_of(organization))


def run(job: Job) -> Job:
    """Takes a job up and works on it in this process, as a worker does."""
    services.advance(job.public_id)
    services.run_engine(job.public_id)
    return Job.objects.get(pk=job.pk)


def document(target: str = "pt-BR") -> Document:
    """A short transcript of two speakers, one line of which is too fast to read."""
    return Document(
        source_language="en-US",
        target_locale=target,
        duration=3.0,
        speakers=[Speaker("s1", "Jordi"), Speaker("s2", "Ana")],
        lines=[
            Line(
                id="l1", start=0.2, end=1.4, source="Good morning, everybody.", target="Bom dia a todos.", speaker="s1"
            ),
            Line(
                id="l2",
                start=1.6,
                end=2.8,
                speaker="s2",
                source="Let us start with the map.",
                target="Vamos começar pelo mapa da cidade antiga, que é a parte de que mais gosto.",
            ),
        ],
    )


def add_sound(job: Job, folder: Path) -> None:
    """Gives a job a wav artefact, so that the player has a waveform to draw."""
    path = folder / "sound.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        for second in range(3):
            loud = (2000, 20000, 9000)[second]
            sound.writeframes(
                b"".join(((loud if n % 16 < 8 else -loud).to_bytes(2, "little", signed=True)) for n in range(8000))
            )
    saved = storage.save_file(path, f"artefacts/{job.public_id}/sound.wav", "audio/wav")
    Artefact.objects.create(
        organization=job.organization,
        job=job,
        kind="audio",
        format="wav",
        language=job.target_locale,
        file_name="sound.wav",
        storage_key=saved.key,
        content_type="audio/wav",
        size=saved.size,
        sha256=saved.sha256,
        position=9,
    )


def furnish(world: World, folder: Path) -> World:
    """People, keys and a job in every state. No engine runs: the finished one has its files put in place."""
    for person, role in (("Ana Ruiz", "editor"), ("Jun Sato", "reviewer")):
        add_member(world.organization, role, make_user(name=person))
    invite_member(actor=world.actor, email="new.person@example.org", role="viewer")
    make_keys(world)
    make_accounts(world)
    order = subtitles_order(world.actor, folder)
    for state in ("completed", "processing", "paused", "failed", "canceled"):
        changed = msgspec.structs.replace(
            order, title=TITLES[state], review_after="translate" if state == "paused" else "never"
        )
        world.jobs[state] = submitted(world.actor, changed).public_id
    pretend_completed(world.job("completed"), folder)
    pretend_running(world.job("processing"))
    paused = world.job("paused")
    Job.objects.filter(pk=paused.pk).update(status="paused", stage="review", started_at=timezone.now())
    assert paused.translation is not None
    save_revision(actor=None, translation=paused.translation, document=document(), origin="translated")
    Job.objects.filter(pk=world.job("failed").pk).update(stage="recognize", started_at=timezone.now())
    services.fail_job(world.job("failed"), JobError(10042, "Nobody speaks in this file."))
    services.cancel_job(actor=world.actor, job=world.job("canceled"))
    return world


TITLES = {
    "completed": "Meet your city guide",
    "processing": "Spring onboarding",
    "paused": "Quarterly results",
    "failed": "Dog in the park",
    "canceled": "Old trailer",
}


def make_accounts(world: World) -> None:
    """Accounts at a cloud service in every state that the page tells apart."""
    now = timezone.now()
    well = {"last_ok_at": now - timedelta(minutes=3), "tested_at": now - timedelta(days=2), "region": "westeurope"}
    resting = {
        "failures": 6,
        "open_until": now + timedelta(minutes=20),
        "last_error": "refused: The key is not accepted.",
    }
    trial = {"failures": 5, "open_until": now - timedelta(seconds=5), "last_error": "unavailable: It answered 503."}
    for name, values in (
        ("Media subscription", well),
        ("Old subscription", {"enabled": False}),
        ("East", resting),
        ("West", trial),
        ("New one", {}),
    ):
        ProviderAccount.objects.create(organization=world.organization, provider="azure", name=name, **values)


def make_keys(world: World) -> None:
    """A working key that is used, one that will end, one revoked."""
    used, _ = create_api_key(
        actor=world.actor, name="Publishing pipeline", scopes=["jobs:read", "jobs:write", "assets:write"]
    )
    used.last_used_at = timezone.now() - timedelta(minutes=12)
    used.save(update_fields=["last_used_at"])
    soon = timezone.now() + timedelta(days=30)
    create_api_key(actor=world.actor, name="Reports", scopes=["billing:read"], expires_at=soon)
    old, _ = create_api_key(actor=world.actor, name="Old laptop", scopes=["jobs:read"])
    revoke_api_key(actor=world.actor, key_id=old.key_id)


def pretend_completed(job: Job, folder: Path) -> None:
    """A finished job with a playable video, captions, sound and a transcript; its hold is captured."""
    assert job.hold is not None and job.translation is not None
    captured = capture_hold(hold=job.hold, amount=job.hold.amount)
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(
        status="completed",
        stage="done",
        progress_fraction=1.0,
        charged=captured,
        measured_ms=3000,
        provider="local",
        started_at=now - timedelta(seconds=44),
        finished_at=now,
    )
    save_revision(actor=None, translation=job.translation, document=document(), origin="translated")
    captions = {
        side: "WEBVTT\n\n"
        + "\n\n".join(
            f"00:00:{line.start:06.3f} --> 00:00:{line.end:06.3f}\n{getattr(line, side)}" for line in document().lines
        )
        for side in ("source", "target")
    }
    files = [
        ("video", "mp4", "pt-BR", "video/mp4", (folder / "clip.mp4").read_bytes()),
        ("subtitle_target", "vtt", "pt-BR", "text/vtt", captions["target"].encode()),
        ("subtitle_target", "srt", "pt-BR", "application/x-subrip", captions["target"].encode()),
        ("subtitle_source", "vtt", "en-US", "text/vtt", captions["source"].encode()),
        ("transcript", "json", "pt-BR", "application/json", document().to_json()),
    ]
    for place, (kind, form, language, content_type, data) in enumerate(files):
        path = folder / f"{kind}.{form}"
        path.write_bytes(data)
        saved = storage.save_file(path, f"artefacts/{job.public_id}/{path.name}", content_type)
        Artefact.objects.create(
            organization=job.organization,
            job=job,
            kind=kind,
            format=form,
            language=language,
            file_name=path.name,
            storage_key=saved.key,
            content_type=content_type,
            size=saved.size,
            sha256=saved.sha256,
            position=place,
            is_main=kind == "video",
        )
    add_sound(job, folder)
    tell = partial(log.record, actor=None, organization_id=job.organization_id, subject=job)
    for stage, milliseconds in (
        ("fetch", 40),
        ("probe", 310),
        ("recognize", 19_400),
        ("translate", 600),
        ("render", 4300),
    ):
        tell(type="job.stage", data={"stage": stage, "state": "finished", "ms": milliseconds})
    tell(type="job.completed", data={})


def pretend_running(job: Job) -> None:
    """A job as it looks in the middle of its work."""
    Job.objects.filter(pk=job.pk).update(
        stage="translate",
        progress_fraction=0.42,
        progress_done=9,
        progress_total=29,
        progress_unit="line",
        started_at=timezone.now() - timedelta(seconds=60),
        lease_owner="elsewhere",
    )
