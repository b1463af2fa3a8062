"""Submit, Continue, Refresh and UpdateConfig: the verbs that start or go on with work."""

from __future__ import annotations

from typing import Any

import msgspec

from apps.core import errors
from apps.dialects.resources import change_resource
from apps.dialects.volcengine import projects, shapes
from apps.dialects.volcengine.actions import Call, Result, action
from apps.dialects.volcengine.dialect import NAME
from apps.dialects.volcengine.orders import FIELDS, order_of, timing_of
from apps.jobs import states
from apps.jobs.services import resume_job
from apps.jobs.services.iterations import IterationChanges, estimate_iteration, submit_iteration
from apps.jobs.services.submit import Submission, fingerprint, submit
from apps.projects.services import check_folder, put_into_folder
from apps.providers.volcengine_vod import wire

PROCESS = "process"


def once(call: Call) -> tuple[str, bytes] | None:
    """The newer SDK sends one call up to four times under one invocation id: they are one order."""
    invocation = call.caller.invocation
    if not invocation:
        return None
    action_name = call.request.GET.get("Action", "").encode()
    return f"{NAME}:{invocation}", fingerprint(action_name, call.request.body)


@action(wire.SUBMIT, permission="jobs.submit")
def submit_workflow(call: Call) -> Result:
    """One job; its project lies in the folder that SpaceName names."""
    given = call.read(shapes.Submit)
    space = check_folder(given.SpaceName, "SpaceName")
    call.name_fields(FIELDS)
    order = order_of(call.actor, given)

    def settle(made: Submission) -> None:
        put_into_folder(organization_id=made.organization, project=made.project, folder=space)

    made = submit(
        actor=call.actor,
        order=order,
        idempotency=once(call),
        settle=settle,
        request_id=call.actor.request_id,
        dialect=NAME,
    )
    job = made.jobs[0]
    return {"ProjectBaseInfo": {"ProjectId": job.translation, "ProjectVersion": f"v{job.iteration}-0"}}


@action(wire.CONTINUE, permission="jobs.resume")
def continue_workflow(call: Call) -> Result:
    """From the review gate; a finished project whose text was edited since is rendered again, as Refresh does."""
    given = call.read(shapes.OfProject)
    found = projects.find(call, given.SpaceName, given.ProjectId)
    job = found.job
    if job.status == states.PROCESSING and job.reviewed_stage:
        return {"ProjectBaseInfo": found.base_info}  # it goes on already: the first answer was lost
    if job.status == states.COMPLETED:
        return _render(call, found)
    resume_job(actor=call.actor, job=job)
    return {"ProjectBaseInfo": found.base_info}


@action(wire.REFRESH, permission="jobs.submit")
def refresh(call: Call) -> Result:
    """Renders a finished project again from its newest text."""
    given = call.read(shapes.Refresh)
    if given.RefreshType != wire.REFRESH_WHOLE:
        raise errors.invalid("RefreshType", "Only whole.")
    found = projects.find(call, given.SpaceName, given.ProjectId)
    if _under_way(found):
        return {"ProjectBaseInfo": found.base_info}
    return _render(call, found)


@action(wire.UPDATE_CONFIG, permission="jobs.manage")
def update_config(call: Call) -> Result:
    """Kept for the next rendering of a finished project; the order of one under way cannot change any more."""
    given = call.read(shapes.UpdateConfig)
    if given.UpdateConfigType != wire.UPDATE_CONFIG_TYPE:
        raise errors.invalid("UpdateConfigType", "Only ProcessConfig.")
    if given.ProcessConfig is None:
        raise errors.invalid("ProcessConfig", "Needed.")
    found = projects.find(call, given.SpaceName, given.ProjectId)
    if found.job.status != states.COMPLETED:
        raise errors.conflict("The configuration of a project can be changed when it is finished.")
    notes = projects.notes_of(call, found)
    process = notes.data.get(PROCESS, {}) | {
        name: value
        for name in ("DisableSmartSubtitleRewrite", "DisableSubtitlePunctSplit")
        if (value := getattr(given.ProcessConfig, name)) is not None
    }
    call.name_fields(FIELDS)
    # Refused now, by name, rather than when the project is rendered again.
    estimate_iteration(actor=call.actor, translation=found.translation, changes=_changes(process))
    change_resource(notes, data={**notes.data, PROCESS: process})
    return None


def _under_way(found: projects.Found) -> bool:
    """The newest text is being rendered already: asked again, the answer is the same."""
    job, row = found.job, found.row
    return (
        job.iteration > 1
        and job.status == states.PROCESSING
        and row is not None
        and job.reviewed_revision == row.revision
    )


def _changes(process: dict[str, Any]) -> IterationChanges:
    timing = timing_of(msgspec.convert(process, shapes.ProcessConfig)) if process else None
    return IterationChanges(timing=timing, review_after="never")


def _render(call: Call, found: projects.Found) -> dict[str, Any]:
    call.name_fields(FIELDS)
    process: dict[str, Any] = projects.notes_of(call, found).data.get(PROCESS) or {}
    job = submit_iteration(
        actor=call.actor,
        translation=found.translation,
        changes=_changes(process),
        dialect=NAME,
        request_id=call.actor.request_id,
    )
    info = {"ProjectId": found.translation.public_id, "ProjectVersion": projects.version_of(job, found.row)}
    return {"ProjectBaseInfo": info}
