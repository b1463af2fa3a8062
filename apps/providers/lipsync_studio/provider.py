"""lipsync.studio's entry in the registry: what it can do, as data, and where each word of its page lives with us."""

from __future__ import annotations

from typing import Final

from apps.providers.abilities import Capabilities, Parameter
from apps.providers.base import Vendor
from apps.providers.lipsync import LIPSYNC_MODELS, LipsyncAbility
from apps.providers.lipsync_studio.adapter import LipsyncStudioAdapter

_LINK: Final = "our signed link to the stored file, good for a day"
_PARAMETERS: Final = (
    Parameter("POST /api/v1/lipsync-video", "model", "lipsync-video"),
    Parameter("POST /api/v1/lipsync-image", "model", "lipsync-image"),
    Parameter("POST /api/v1/lipsync-image-multi", "model", "lipsync-image-multi"),
    Parameter("GET /api/v1/jobs/{requestId}", "provider_ref", "polled every 7 s; the page says 5 to 10"),
    Parameter("webhook", "", "our own address for the job; left out when the portal cannot be reached from outside"),
    Parameter("formState.video", "video", _LINK),
    Parameter("formState.image", "image", _LINK),
    Parameter("formState.audio", "audio", _LINK),
    Parameter("formState.left_audio", "left_audio", f"lipsync-image-multi; {_LINK}"),
    Parameter("formState.right_audio", "right_audio", f"lipsync-image-multi; {_LINK}"),
    Parameter("formState.order=meanwhile", "order", "meanwhile; lipsync-image-multi"),
    Parameter("formState.order=left_right", "order", "left_right; lipsync-image-multi"),
    Parameter("formState.order=right_left", "order", "right_left; lipsync-image-multi"),
    Parameter("formState.resolution=480p", "resolution", "480p, the default"),
    Parameter("formState.resolution=720p", "resolution", "720p"),
    Parameter("formState.mask_image", "mask_image", _LINK),
    Parameter("formState.prompt", "prompt"),
    Parameter("formState.seed", "seed"),
    Parameter("id", "provider_ref"),
    Parameter("model (of an answer)", "", "not read: it is the order's, and `lipsync` while the job is processing"),
    Parameter("status=processing", "stage.lipsync"),
    Parameter("status=completed", "status.completed"),
    Parameter("status=failed", "status.failed"),
    Parameter("output", "artefact.video"),
    Parameter("error", "error.text"),
    Parameter("error=Invalid audio format", "error.10904", "the one text that the page prints"),
    Parameter(
        "error (any other)", "error.code", "by what the text speaks of: 10901..10914, 10001, 10002, 10042; else 10908"
    ),
    Parameter("executionTime", "", "not read: ours is measured here"),
    Parameter("timings", "", "not read: what it holds is told nowhere"),
)
CAPABILITIES: Final = Capabilities(
    lipsync={
        model: LipsyncAbility(options=frozenset({"mask_image", "prompt", "seed", "turns"})) for model in LIPSYNC_MODELS
    },
    remarks=(
        "Does lip sync only: it does not translate.",
        "Cannot be stopped or told to forget, and has no list: a job whose submit was never answered is known by its webhook only.",
    ),
    parameters=_PARAMETERS,
)
VENDOR: Final = Vendor("lipsync-studio", "lipsync.studio", CAPABILITIES, LipsyncStudioAdapter())
