"""Verbs of jobs."""

from apps.jobs.services.advance import advance
from apps.jobs.services.engine import run_engine
from apps.jobs.services.estimating import estimate_order
from apps.jobs.services.finish import cancel_job, fail_job
from apps.jobs.services.retry import retry_job
from apps.jobs.services.review import resume_job
from apps.jobs.services.submit import Submission, authorize, submit
from apps.jobs.services.transcripts import edit_transcript

__all__ = [
    "Submission",
    "advance",
    "authorize",
    "cancel_job",
    "edit_transcript",
    "estimate_order",
    "fail_job",
    "resume_job",
    "retry_job",
    "run_engine",
    "submit",
]
