"""Shapes of jobs, artefacts and events. Job is a superset of seed 003's job object: its clients read ours as it is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from apps.api.schemas.common import Credits, NextCursor, PageQuery

Status = Literal["processing", "paused", "completed", "failed", "canceled"]
Stage = Literal[
    "queued", "fetch", "probe", "separate", "recognize", "translate", "review", "speak", "lipsync", "render", "publish", "done"
]  # fmt: skip
Model = Literal["translate", "lipsync-video", "lipsync-image", "lipsync-image-multi"]


class Progress(Struct, frozen=True, kw_only=True):
    """How far the job is: fraction of the whole, and what the present stage counts ("line 9 of 29")."""

    fraction: Annotated[float, Meta(ge=0.0, le=1.0)]
    done: int
    total: int
    unit: str


class Artefact(Struct, frozen=True, kw_only=True):
    """A file that a job made. `url` is signed, needs no key and expires."""

    id: str
    job: str
    kind: Annotated[str, Meta(examples=["video", "audio", "subtitle_target", "transcript", "report"])]
    format: Annotated[str, Meta(examples=["mp4", "wav", "srt", "json"])]
    language: str
    label: str
    file_name: str
    content_type: str
    size: Annotated[int, Meta(description="Bytes.")]
    sha256: str
    duration: Annotated[float | None, Meta(description="Seconds; null for what has no length.")]
    main: Annotated[bool, Meta(description="True for the one file that `output` of the job links to.")]
    url: str
    created_at: datetime


class Job(Struct, frozen=True, kw_only=True):
    """One unit of paid asynchronous work."""

    id: str
    model: Model
    status: Status
    output: Annotated[str | None, Meta(description="Signed link of the main artefact once completed.")]
    error: Annotated[str, Meta(description="What went wrong, in words; empty otherwise.")]
    executionTime: Annotated[
        int | None, Meta(description="Milliseconds from start to end; of a lip-sync job only once it is completed.")
    ]
    timings: Annotated[
        dict[str, int] | None,
        Meta(description="Milliseconds by stage; null for lip-sync jobs, as lipsync.studio has it."),
    ]
    stage: Stage
    progress: Progress
    error_code: Annotated[int | None, Meta(description="Number of the failure (10001 and up); see GET /errors.")]
    translation: Annotated[str | None, Meta(description="null for a lip-sync job.")]
    iteration: int
    provider: str
    target_locale: str
    artefacts: list[Artefact]
    estimate: Credits
    held: Credits
    charged: Credits
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    review_url: Annotated[str | None, Meta(description="Page where a paused job's transcript is edited.")]


class JobPage(Struct, frozen=True, kw_only=True):
    """A page of jobs, newest first."""

    items: list[Job]
    next_cursor: NextCursor


class JobQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Filters of the job list."""

    status: Annotated[Status | None, Meta(description="Only jobs with this status.")] = None
    model: Annotated[Model | None, Meta(description="Only jobs of this model.")] = None
    search: Annotated[str, Meta(max_length=200, description="Text in the title, file name, language or id.")] = ""


class ArtefactList(Struct, frozen=True, kw_only=True):
    """Every file of a job."""

    items: list[Artefact]


class ArtefactQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the file is to be shown."""

    disposition: Annotated[
        Literal["attachment", "inline"], Meta(description="`inline` to show it, `attachment` to save it.")
    ] = "attachment"


class EventActor(Struct, frozen=True, kw_only=True):
    """Who did it."""

    kind: str = ""
    id: str = ""
    label: str = ""


class Event(Struct, frozen=True, kw_only=True):
    """One entry of the log."""

    id: int
    type: Annotated[str, Meta(examples=["job.completed"])]
    subject: str
    actor: EventActor
    data: dict[str, Any]
    created_at: datetime


class EventList(Struct, frozen=True, kw_only=True):
    """The job's timeline, oldest first."""

    items: list[Event]


class EventQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where to go on."""

    after: Annotated[int, Meta(ge=0, description="Only events with a larger id.")] = 0
