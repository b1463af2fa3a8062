"""Lip sync: the three forms of seed 003, answered by apps.api.lipsync."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from apps.api.base import ApiView
from apps.api.lipsync import lipsync_view
from apps.api.openapi import answer_example, operation, request_example
from apps.api.schemas import lipsync as shapes
from apps.core import errors
from apps.providers.orders import LipsyncModel

_CODES: Final = (
    errors.INVALID,
    errors.CONCURRENCY,
    errors.INSUFFICIENT_CREDITS,
    errors.CONFLICT,
    errors.TOO_LARGE,
    errors.MEDIA_TYPE,
    errors.UNAVAILABLE,
)
_ADMITTED: Final = answer_example(
    "admitted", shapes.LipsyncSubmitted(id="job_0h5x2c9k3f7mq1az", status="processing"), 200
)
_MORE: Final = (
    " Files are named by public links or by ids of assets. Checks happen in the order of the codes 7, 1302, 814, 1503, 1305, 4290, "
    "5, 1304, 104; jobs count apart from translations. Billed by the second of sound, at least 5, at the resolution's price; set aside "
    "at once, charged only for success and never more than was set aside. When the job has ended it is posted to `webhook` "
    "(id, model, status, output, error, executionTime, timings); or poll `GET /jobs/{id}`, a superset of the same. The bodies "
    "are those of lipsync.studio; ids are opaque texts."
)
_FACE: Final = "https://example.com/face.png"
_VOICE: Final = "https://example.com/voice.mp3"


class _FormView(ApiView):
    """POST alone, past DRF as POST /translations."""

    permissions = {"POST": "jobs.submit"}
    model: ClassVar[LipsyncModel]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Whatever is not a POST gets DRF's 405."""
        if request.method == "POST":
            return lipsync_view(request, self.model)
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response


class LipsyncVideoView(_FormView):
    """POST /lipsync-video."""

    model = "lipsync-video"

    @operation(
        "lipsync_video",
        "Make the lips of a video follow a sound",
        description="The sound becomes the sound of the video, which is cut or drawn out to its length." + _MORE,
        tag="Lip sync",
        request=shapes.LipsyncVideo,
        answers={200: shapes.LipsyncSubmitted},
        codes=_CODES,
        examples=[
            request_example(
                "video", {"formState": {"video": "https://example.com/talk.mp4", "audio": _VOICE, "resolution": "480p"}}
            ),
            _ADMITTED,
        ],
        idempotent=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """Described here, answered by lipsync_view."""
        return lipsync_view(request._request, self.model)


class LipsyncImageView(_FormView):
    """POST /lipsync-image."""

    model = "lipsync-image"

    @operation(
        "lipsync_image",
        "Make a picture of one person speak",
        description="A talking portrait as long as the sound." + _MORE,
        tag="Lip sync",
        request=shapes.LipsyncImage,
        answers={200: shapes.LipsyncSubmitted},
        codes=_CODES,
        examples=[
            request_example(
                "portrait",
                {
                    "webhook": "https://your-app.example.com/webhooks/lipsync",
                    "formState": {"image": _FACE, "audio": _VOICE, "resolution": "720p", "seed": 42},
                },
            ),
            _ADMITTED,
        ],
        idempotent=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """Described here, answered by lipsync_view."""
        return lipsync_view(request._request, self.model)


class LipsyncImageMultiView(_FormView):
    """POST /lipsync-image-multi."""

    model = "lipsync-image-multi"

    @operation(
        "lipsync_image_multi",
        "Make a picture of two people talk",
        description="Left and right as the viewer sees them; both at once, or one after the other." + _MORE,
        tag="Lip sync",
        request=shapes.LipsyncImageMulti,
        answers={200: shapes.LipsyncSubmitted},
        codes=_CODES,
        examples=[
            request_example(
                "dialogue",
                {
                    "formState": {
                        "image": "https://example.com/two.png",
                        "left_audio": _VOICE,
                        "right_audio": "https://example.com/answer.mp3",
                        "order": "left_right",
                    }
                },
            ),
            _ADMITTED,
        ],
        idempotent=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """Described here, answered by lipsync_view."""
        return lipsync_view(request._request, self.model)
