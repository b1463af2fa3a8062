"""manage.py translate FILE --to pt-BR: the whole road of a job from the shell, with or without running servers."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.template.defaultfilters import filesizeformat
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from apps.accounts.actor import Actor
from apps.accounts.models import Organization
from apps.core.errors import ApiError
from apps.core.money import to_text
from apps.jobs import states
from apps.jobs.models import Artefact, Job
from apps.jobs.services import cancel_job, submit
from apps.jobs.services.local_run import work_on
from apps.plans.models import Pool
from apps.plans.services import grant_credits, set_subscription
from apps.projects import storage
from apps.projects.services import create_asset_from_file, probe_asset
from apps.providers.orders import TranslationOrder

ORGANIZATION = "This machine"
CREDITS = 10_000_000


class Command(BaseCommand):
    """Orders a translation as the organization of this machine, works on it here, and copies the results out."""

    help = "Translates a video or audio file with the built-in engine: dub, subtitles and a report."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="video or audio file")
        parser.add_argument("--to", action="append", required=True, metavar="LOCALE", help="target, such as pt-BR")
        parser.add_argument("--from", dest="source", default="auto", metavar="LOCALE", help="spoken language")
        parser.add_argument("--burn", action="store_true", help="burn the subtitles into the picture")
        parser.add_argument("--subtitles-only", action="store_true", help="no dub")
        parser.add_argument("--subtitles", type=Path, metavar="FILE", help="SRT, VTT or ASS of the source's words")
        parser.add_argument("--out", type=Path, metavar="DIR", help="where results go (default: beside the file)")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(stderr=True)
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        prepare()
        try:
            actor = local_actor()
            order = self._order(actor, path, options)
            admitted = submit(actor=actor, order=order)
        except ApiError as error:
            raise CommandError(_words(error)) from None
        ids = [job.id for job in admitted.jobs]
        try:
            _work(ids, console)
        except KeyboardInterrupt:
            for job in Job.objects.filter(public_id__in=ids, status__in=states.OPEN):
                cancel_job(actor=actor, job=job)
            raise CommandError("Canceled; nothing was charged.") from None
        out = options["out"] or path.resolve().parent / f"{path.stem}.kinoglot"
        failed = _deliver(ids, out, Console())
        if failed:
            raise CommandError("; ".join(failed))

    def _order(self, actor: Actor, path: Path, options: dict[str, Any]) -> TranslationOrder:
        # Probed here and at once: damaged files are refused before anything is ordered, and the price is exact.
        asset = probe_asset(create_asset_from_file(actor=actor, path=path, file_name=path.name))
        if asset.status == "failed":
            raise CommandError(f"{asset.error_code}: {asset.error}")
        order: dict[str, Any] = {
            "source": {"asset": asset.public_id},
            "source_language": options["source"],
            "target_locales": options["to"],
            "steps": ["subtitles"] if options["subtitles_only"] else ["subtitles", "voice"],
            "subtitle_style": {"burn_in": options["burn"]},
            "title": path.stem[:200],
        }
        if options["subtitles"] is not None:
            given: Path = options["subtitles"]
            if not given.is_file():
                raise CommandError(f"There is no file {given}.")
            subtitle = create_asset_from_file(actor=actor, path=given, file_name=given.name, kind="subtitle")
            order |= {"subtitle_source": "file", "subtitle": {"asset": subtitle.public_id}}
        return msgspec.convert(order, TranslationOrder)


def prepare() -> None:
    """On a machine where nothing ran before: tables in its own database, and the engine's weights."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        if os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"):
            raise CommandError("The database is not up to date; run manage.py migrate first.")
        call_command("migrate", verbosity=0)
    models = Path(settings.MODEL_DIR)
    if not models.is_dir() or not any(models.iterdir()):
        call_command("install_models")


def local_actor() -> Actor:
    """The organization that orders from this shell belong to; its wallet is filled whenever it runs low."""
    organization = Organization.objects.filter(name=ORGANIZATION, memberships=None).first()
    organization = organization or Organization.objects.create(name=ORGANIZATION)
    actor = Actor(organization=organization, kind="system")
    set_subscription(actor=actor, organization=organization, plan="enterprise")
    wallet = organization.wallets.filter(pool=Pool.PORTAL).first()
    if wallet is None or wallet.available < CREDITS // 2:
        round_number = organization.wallets.filter(entries__kind="grant").count() + 1
        grant_credits(
            actor=actor,
            organization=organization,
            pool=Pool.PORTAL,
            amount=CREDITS,
            business_key=f"local:{organization.public_id}:{round_number}",
            note="Orders from the shell",
        )
    return actor


def _work(ids: list[str], console: Console) -> None:
    """Works in a thread and draws what the job's row says, exactly what the live page would show."""
    faults: list[BaseException] = []

    def work() -> None:
        try:
            work_on(ids)
        except BaseException as error:
            faults.append(error)
        finally:
            connection.close()

    worker = threading.Thread(target=work, name="translate", daemon=True)
    columns = (TextColumn("{task.fields[locale]}"), TextColumn("{task.fields[stage]:<10}"), BarColumn(None))
    more = (TextColumn("{task.percentage:>3.0f}%"), TextColumn("{task.fields[count]}"), TimeElapsedColumn())
    with Progress(*columns, *more, console=console, expand=True) as bars:
        drawn = {public_id: bars.add_task("", total=1.0, locale="", stage="", count="") for public_id in ids}
        worker.start()
        while True:
            alive = worker.is_alive()
            for job in Job.objects.filter(public_id__in=ids):
                count = f"{job.progress_unit} {job.progress_done} of {job.progress_total}" if job.progress_total else ""
                stage = job.status if job.status in states.FINAL else str(job.get_stage_display())
                bars.update(
                    drawn[job.public_id],
                    completed=job.progress_fraction,
                    locale=job.target_locale,
                    stage=stage,
                    count=count,
                )
            if not alive:
                break
            worker.join(0.4)
    if faults:
        raise CommandError(f"The work stopped: {faults[0]}")


def _deliver(ids: list[str], out: Path, console: Console) -> list[str]:
    """Copies the artefacts of completed jobs out and prints a table; returns what failed, in words."""
    failed = []
    table = Table(title=f"Results in {escape(str(out))}", title_justify="left")
    for column in ("language", "kind", "file", "size"):
        table.add_column(column, overflow="fold")
    charged = 0
    for job in Job.objects.filter(public_id__in=ids).order_by("id"):
        if job.status != states.COMPLETED:
            failed.append(f"{job.target_locale}: {job.error_code} {job.error}")
            continue
        charged += job.charged
        for artefact in job.artefacts.all():
            _copy(artefact, out / artefact.file_name)
            name = escape(artefact.file_name)
            shown = f"[bold]{name}[/bold]" if artefact.is_main else name
            table.add_row(job.target_locale, artefact.kind, shown, filesizeformat(artefact.size))
    if table.row_count:
        console.print(table)
        console.print(f"{to_text(charged)} credits")
    return failed


def _copy(artefact: Artefact, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with storage.open_key(artefact.storage_key) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)


def _words(error: ApiError) -> str:
    fields = [f"{name}: {reason}" for name, reasons in error.errors.items() for reason in reasons]
    return f"{error.code}: {'; '.join(fields) or error.detail}"
