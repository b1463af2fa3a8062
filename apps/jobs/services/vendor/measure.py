"""The measured length of a job's source, before anything is ordered at a vendor: the hold is fitted to it, once for each attempt."""

from __future__ import annotations

from django.db import transaction

from apps.core import errors
from apps.core.errors import JobError
from apps.jobs.models import Job
from apps.jobs.services import lipsync_files, pricing
from apps.jobs.services.leases import Lease, LeaseLost
from apps.plans.services import resize_hold
from apps.projects import sniff
from apps.projects.models import Asset
from apps.projects.services.fetch import FetchError, probe_asset, store_remote_asset


def fit_hold(job: Job, lease: Lease) -> None:
    """Probes the source where nobody has, and fits a hold that was placed on an assumed length.

    Raises JobError: what is wrong with the source, or 10910 when the wallet does not cover its length.
    """
    if job.measured_ms is not None:
        return
    measured = (
        _lipsync_length(job, lease) if job.translation is None else _length(job.translation.project.source_asset, lease)
    )
    hold = job.hold
    # An iteration's price is that of its changed lines, known when it was admitted.
    kept = hold is not None and job.base_job_id is not None
    wanted = hold.amount if hold is not None and kept else pricing.price(job, measured)
    key = f"resize:{job.public_id}:{job.attempt}"
    with transaction.atomic():
        fits = hold is None or hold.amount == wanted or resize_hold(hold=hold, amount=wanted, business_key=key)
        if not fits:
            raise JobError(errors.CREDITS_RAN_OUT)
        if not Job.objects.filter(pk=job.pk, lease_owner=lease.owner).update(measured_ms=measured, estimate=wanted):
            raise LeaseLost(lease.owner)
    job.measured_ms, job.estimate = measured, wanted


def _length(asset: Asset, lease: Lease) -> int:
    """In ms, probed unless it is known. Raises JobError: what is wrong with the file."""
    asset = store_remote_asset(asset, should_stop=lambda: lease.lost)
    if asset.duration_ms is None:
        asset = probe_asset(asset)
        if asset.status == Asset.Status.FAILED:
            raise JobError(asset.error_code or errors.DAMAGED, asset.error)
    return asset.duration_ms or 0


def _lipsync_length(job: Job, lease: Lease) -> int:
    """The billed length of a lip-sync render in ms: that of its sound. Every file of the form is brought in and looked at."""
    for name, asset in lipsync_files.inputs_of(job).items():
        try:
            if asset.kind == Asset.Kind.MEDIA:
                _length(asset, lease)
                asset.refresh_from_db()
                lipsync_files.check(name, asset)
            elif store_remote_asset(asset, should_stop=lambda: lease.lost).content_type not in sniff.IMAGES:
                raise JobError(errors.TYPE_REFUSED, "this is not a PNG, JPEG or WebP picture")
        except FetchError:
            raise
        except JobError as error:
            raise lipsync_files.InputError(name, asset, error) from None
    return lipsync_files.billed_ms(job) or 0
