"""Road: drives jobs through the product's own driver and poller, one turn at a time, by moving the clocks in their rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.engine.transcript import Transcript as Document
from apps.jobs import services, states
from apps.jobs.models import InboundCallback, Job, ProviderAccount, ProviderCall
from apps.jobs.services import account_health, accounts, inbound
from apps.jobs.services.vendor import close, drive, watch
from apps.jobs.services.vendor.work import full_work, job_callback_url
from apps.projects.models import Asset, Transcript
from apps.projects.services import create_asset_from_file, save_revision
from apps.providers.base import Provider, RemoteAdapter
from apps.providers.conversation import Account, Work
from apps.providers.orders import LIPSYNC_NEEDS, LipsyncModel, LipsyncOrder, TranslationOrder
from tests.jobs.helpers import media_asset, submitted
from tests.providers import media

LONG = timedelta(hours=1)


class Road:
    """One organization's jobs at one provider account."""

    def __init__(
        self, name: str, row: ProviderAccount, actor: Actor, folder: Path, client: Client, fields: Mapping[str, Any]
    ) -> None:
        self.name, self.row, self.actor, self.client = name, row, actor, client
        self.secrets = list(accounts.open_secrets(row).values())
        self._folder = folder
        self._fields = dict(fields)
        self._asset: Asset | None = None
        self._inputs: dict[str, Asset] = {}

    @staticmethod
    def make_account(provider: Provider, endpoint: str, values: Mapping[str, str]) -> ProviderAccount:
        """The account that staff would have entered, quick enough for tests."""
        assert provider.remote is not None
        secret = {field.name for field in provider.remote.fields if field.secret}
        return ProviderAccount.objects.create(
            provider=provider.name,
            name="the stub",
            endpoint=endpoint,
            values={name: value for name, value in values.items() if name not in secret},
            sealed=accounts.seal_secrets({name: value for name, value in values.items() if name in secret}),
            submits_per_second=1000,
            polls_per_second=1000,
        )

    # ---- jobs

    def order(self, **fields: Any) -> Job:
        """A job, admitted and routed: a lip-sync render when the fields name a model."""
        given = self._fields | fields
        order = self._lipsync(given) if "model" in given else self._translation(given)
        job = submitted(self.actor, order)
        services.advance(job.public_id)
        return self.fresh(job)

    def _translation(self, fields: Mapping[str, Any]) -> TranslationOrder:
        if self._asset is None:
            self._asset = media_asset(self.actor, self._folder)
            Asset.objects.filter(pk=self._asset.pk).update(
                duration_ms=3000, probe={"duration": 3.0, "video": {"width": 160, "height": 90}, "audio": [{}]}
            )
        given = {
            "source": {"asset": self._asset.public_id},
            "source_language": "en-US",
            "target_locales": ["pt-BR"],
            "provider": self.name,
        }
        return msgspec.convert(given | dict(fields), TranslationOrder)

    def _lipsync(self, fields: Mapping[str, Any]) -> LipsyncOrder:
        """With the files that its form needs, and those that the fields name with True."""
        model: LipsyncModel = fields["model"]
        wanted = [*LIPSYNC_NEEDS[model], *(name for name, value in fields.items() if value is True)]
        given = {name: {"asset": self.input(name).public_id} for name in wanted}
        return msgspec.convert({"provider": self.name, **fields, **given}, LipsyncOrder)

    def input(self, name: str) -> Asset:
        """A stored file for that place of a lip-sync form, three seconds of it."""
        if name not in self._inputs:
            picture = name in ("image", "mask_image")
            body, ending = (
                (media.png(), "png") if picture else (media.mp4(), "mp4") if name == "video" else (media.wav(), "wav")
            )
            path = self._folder / f"{name}.{ending}"
            path.write_bytes(body)
            kind = "image" if picture else "media"
            asset = create_asset_from_file(actor=self.actor, path=path, file_name=path.name, kind=kind)
            if not picture:
                found: dict[str, Any] = {"duration": 3.0, "audio": [{}]}
                found |= {"video": {"width": 160, "height": 90}} if name == "video" else {}
                Asset.objects.filter(pk=asset.pk).update(duration_ms=3000, probe=found)
            self._inputs[name] = asset
        return self._inputs[name]

    def fresh(self, job: Job) -> Job:
        """The job as its row is now."""
        job.refresh_from_db()
        return job

    def turn(self, job: Job) -> Job:
        """Whoever is to go on with the job does so now: worker or poller."""
        account_health.forget_writes()
        self.fresh(job)
        if job.status == states.PROCESSING:
            if job.next_poll_at is not None:
                self.poll(job)
            else:
                self.work_on(job)
        return self.fresh(job)

    def work_on(self, job: Job) -> Job:
        """A worker takes the job up; what the queue holds for it says how, else the reconciler's message."""
        actor = self._take_message(job)
        if not actor:
            services.advance(job.public_id)
            actor = self._take_message(job)
        if actor:
            {"collect_remote": drive.collect_remote, "submit_remote": drive.submit_remote}[actor](job.public_id)
        return self.fresh(job)

    def poll(self, job: Job) -> Job:
        """The poller's turn, without waiting for the clock."""
        past = timezone.now() - LONG
        Job.objects.filter(pk=job.pk).exclude(next_poll_at=None).update(next_poll_at=past)
        ProviderAccount.objects.filter(pk=self.row.pk).update(next_poll_at=None)
        watch.poll_once()
        return self.fresh(job)

    def until(self, job: Job, *statuses: str, turns: int = 30) -> Job:
        """Turns until the job has one of these statuses."""
        for _ in range(turns):
            if self.fresh(job).status in statuses:
                return job
            self.turn(job)
        calls = [(c.operation, c.outcome, c.response) for c in ProviderCall.objects.filter(job=job)]
        raise AssertionError(f"still {job.status} {job.stage} {job.error_code} {job.error}, calls {calls}")

    def until_polled(self, job: Job, turns: int = 20) -> Job:
        """Turns until it is the poller's turn."""
        for _ in range(turns):
            if self.fresh(job).next_poll_at is not None or job.status != states.PROCESSING:
                break
            self.turn(job)
        assert job.next_poll_at is not None, (job.status, job.error_code, job.error)
        return job

    def grow_old(self, job: Job) -> None:
        """All calls of the job were made an hour ago, and breakers are closed."""
        for call in ProviderCall.objects.filter(job=job):
            ProviderCall.objects.filter(pk=call.pk).update(created_at=call.created_at - LONG)
        ProviderAccount.objects.filter(pk=self.row.pk).update(open_until=None, failures=0, next_submit_at=None)
        account_health.forget_writes()

    def review(self, job: Job, **texts: str) -> Job:
        """A person edits the target lines (line id -> text) and resumes."""
        assert job.translation is not None
        newest = Transcript.objects.filter(translation=job.translation).first()
        assert newest is not None
        document = msgspec.convert(newest.document, Document)
        for line in document.lines:
            line.target = texts.get(line.id, line.target)
        save_revision(actor=self.actor, translation=job.translation, document=document, origin=Transcript.Origin.EDITED)
        services.resume_job(actor=self.actor, job=job)
        return self.fresh(job)

    # ---- what an adapter is given

    def remote(self) -> RemoteAdapter:
        """The adapter."""
        return accounts.adapter_of(self.name)

    def account(self) -> Account:
        """The account in the clear."""
        return accounts.open_account(self.row)

    def work(self, job: Job) -> Work:
        """The job as its adapter sees it."""
        return full_work(Job.objects.get(pk=job.pk), self.remote(), lambda: False)

    # ---- callbacks

    def callback_url(self, job: Job) -> str:
        """The address that the vendor was given for this job."""
        return job_callback_url(job)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Posts to the portal, as the vendor would; the status of the answer."""
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        given = {name: value for name, value in headers.items() if name.lower() != "content-type"}
        kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "application/json")
        return self.client.generic("POST", target, body, content_type=kind, headers=given).status_code

    def work_off(self) -> list[str]:
        """Works on callbacks that wait; the state of each row."""
        inbound.work_off()
        return list(InboundCallback.objects.order_by("id").values_list("state", flat=True))

    def close(self, job: Job) -> bool:
        """Clears up at the vendor, as if its time had come."""
        Job.objects.filter(pk=job.pk).exclude(close_at=None).update(close_at=timezone.now())
        return close.close_remote(job.public_id)

    def _take_message(self, job: Job) -> str:
        """The oldest message for a worker about the job, taken out of the queue; "" when there is none."""
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM dramatiq.queue WHERE message_id = (SELECT message_id FROM dramatiq.queue"
                " WHERE state = 'queued' AND message->'args'->>0 = %s AND message->>'actor_name' LIKE '%%_remote'"
                " ORDER BY position LIMIT 1) RETURNING message->>'actor_name'",
                [job.public_id],
            )
            row = cursor.fetchone()
        return str(row[0]) if row else ""
