"""Reads that join what several apps know, for a whole page at once."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Max

from apps.api import present
from apps.api.schemas.translations import Translation as TranslationShape
from apps.jobs.models import Job
from apps.projects.models import Transcript, Translation


def show_translations(rows: Sequence[Translation]) -> list[TranslationShape]:
    """Translations with newest job and transcript revision: two queries, however many rows."""
    keys = [row.pk for row in rows]
    newest = Job.objects.filter(translation__in=keys).values("translation").annotate(newest=Max("pk")).values("newest")
    jobs = dict(Job.objects.filter(pk__in=newest).values_list("translation_id", "public_id"))
    revisions = dict(
        Transcript.objects.filter(translation__in=keys)
        .values("translation")
        .annotate(newest=Max("revision"))
        .values_list("translation", "newest")
    )
    return [present.translation(row, latest_job=jobs.get(row.pk), revision=revisions.get(row.pk, 0)) for row in rows]
