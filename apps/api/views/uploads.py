"""Resumable uploads: tus 1.0 with creation, creation-with-upload, checksum, expiration and termination."""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.request import Request

from apps.api import present, samples, tus
from apps.api.base import ApiView, json_response
from apps.api.openapi import answer_example, operation
from apps.api.schemas import assets as shapes
from apps.core import errors
from apps.core.errors import ApiError
from apps.projects import selectors, services
from apps.projects.models import Upload


def _header(name: str, description: str, *, required: bool = True) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.HEADER, required=required, description=description)


RESUMABLE = _header("Tus-Resumable", "Always `1.0.0`.")
OFFSET = _header("Upload-Offset", "Where these bytes begin; must be what the server has.")
CHECKSUM = _header(
    "Upload-Checksum", "`sha1`, `sha256` or `md5`, a blank, and the digest of this body in base64.", required=False
)
LENGTH = _header("Upload-Length", "Size of the whole file in bytes.")
METADATA = _header(
    "Upload-Metadata", "`filename <base64>` and, for a subtitle file, `kind <base64 of subtitle>`.", required=False
)
BINARY = {tus.OFFSET_TYPE: OpenApiTypes.BINARY}


class _TusView(ApiView):
    """Every answer says Tus-Resumable; a POST may stand in for PATCH and DELETE."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Honour X-HTTP-Method-Override, as tus 1.0 demands."""
        override = request.headers.get("X-HTTP-Method-Override", "").upper()
        if request.method == "POST" and override in {"PATCH", "DELETE", "HEAD"}:
            request.method = override
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        response["Tus-Resumable"] = tus.VERSION
        return response

    def options(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        """What this server can do."""
        return HttpResponse(
            status=204,
            headers={
                "Tus-Version": tus.VERSION,
                "Tus-Extension": tus.EXTENSIONS,
                "Tus-Checksum-Algorithm": ",".join(tus.ALGORITHMS),
                "Tus-Max-Size": str(settings.ENGINE["max_source_mb"] << 20),
            },
        )

    def append(self, upload: Upload, offset: int) -> Upload:
        """Write the request's body, streamed."""
        request = self.request._request
        length = tus.body_length(request)
        stream: Any = request if length is not None else request.META["wsgi.input"]
        return services.append_upload(
            actor=self.actor, upload=upload, offset=offset, stream=stream, length=length, checksum=tus.checksum(request)
        )


class UploadListView(_TusView):
    """POST /uploads."""

    permissions = {"POST": "assets.write"}

    def request_fingerprint(self, request: HttpRequest) -> bytes:
        """The headers that make an upload; the body is a stream."""
        names = ("Upload-Length", "Upload-Metadata", "Content-Type", "Content-Length", "Upload-Checksum")
        parts = [request.method or "", request.get_full_path(), *(request.headers.get(name, "") for name in names)]
        return hashlib.sha256("\n".join(parts).encode()).digest()

    @operation(
        "uploads_create",
        "Begin an upload (tus)",
        description=(
            "tus 1.0: any tus client works. `Location` is the upload's address; send bytes there with PATCH, or the first of "
            "them with this call (Content-Type `application/offset+octet-stream`). When the last byte has come, "
            "`Kinoglot-Asset` and GET on the upload name the asset to use as `source.asset`."
        ),
        tag="Uploads",
        request=BINARY,
        parameters=[RESUMABLE, LENGTH, METADATA, CHECKSUM],
        answers={201: OpenApiResponse(description="Location is the upload.")},
        codes=(errors.INVALID, errors.PRECONDITION, errors.TOO_LARGE, errors.CONFLICT, errors.UNAVAILABLE),
        idempotent=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """Make the upload, and take the bytes that came along."""
        http = request._request
        tus.check_version(http)
        if "Upload-Defer-Length" in http.headers:
            raise errors.invalid("Upload-Defer-Length", "The length must be known at the start.")
        upload = services.create_upload(
            actor=self.actor, length=tus.number(http, "Upload-Length"), metadata=tus.metadata(http)
        )
        if tus.has_body(http):
            upload = self.append(upload, 0)
        # Relative, as RFC 9110 allows: right behind any proxy and on any port.
        headers = tus.headers_of(upload) | {"Location": f"/api/v1/uploads/{upload.public_id}"}
        return HttpResponse(status=201, headers=headers)


class UploadView(_TusView):
    """HEAD, PATCH, DELETE and GET /uploads/{id}."""

    permissions = {"GET": "assets.write", "PATCH": "assets.write", "DELETE": "assets.write"}

    @operation(
        "uploads_get",
        "State of an upload as JSON",
        tag="Uploads",
        answers={200: shapes.Upload},
        codes=(errors.NOT_FOUND, errors.GONE),
        examples=[answer_example("half", samples.UPLOAD)],
    )
    def get(self, request: Request, upload_id: str) -> HttpResponse:
        """For people and programs that do not speak tus."""
        upload = selectors.upload_for(self.actor, upload_id)
        return json_response(present.upload(upload), headers=tus.headers_of(upload))

    def head(self, request: Request, upload_id: str) -> HttpResponse:
        """tus: how far the upload is. Described with GET."""
        tus.check_version(request._request)
        upload = selectors.upload_for(self.actor, upload_id)
        headers = tus.headers_of(upload) | {"Upload-Length": str(upload.length), "Cache-Control": "no-store"}
        if described := tus.metadata_header(upload.metadata):
            headers["Upload-Metadata"] = described
        return HttpResponse(headers=headers)

    @operation(
        "uploads_append",
        "Send bytes (tus)",
        description=(
            "Bytes are kept as they come: after a cut connection HEAD tells `Upload-Offset`, go on from there. 409 for another "
            "offset, 460 when the checksum does not match (the bytes of that call are dropped), 423 while another call writes."
        ),
        tag="Uploads",
        request=BINARY,
        parameters=[RESUMABLE, OFFSET, CHECKSUM],
        answers={204: OpenApiResponse(description="Upload-Offset is how much has come.")},
        codes=(
            errors.INVALID,
            errors.NOT_FOUND,
            errors.CONFLICT,
            errors.GONE,
            errors.PRECONDITION,
            errors.TOO_LARGE,
            errors.MEDIA_TYPE,
        ),
    )
    def patch(self, request: Request, upload_id: str) -> HttpResponse:
        """Bytes at an offset."""
        http = request._request
        tus.check_version(http)
        if not tus.has_body(http):
            raise ApiError(errors.MEDIA_TYPE, f"Send the bytes as {tus.OFFSET_TYPE}.")
        upload = selectors.upload_for(self.actor, upload_id)
        upload = self.append(upload, tus.number(http, "Upload-Offset"))
        return HttpResponse(status=204, headers=tus.headers_of(upload))

    @operation(
        "uploads_terminate",
        "Give an upload up (tus)",
        description="Bytes that have come are removed. An asset that the upload already became stays.",
        tag="Uploads",
        parameters=[RESUMABLE],
        answers={204: None},
        codes=(errors.NOT_FOUND, errors.GONE, errors.PRECONDITION),
    )
    def delete(self, request: Request, upload_id: str) -> HttpResponse:
        """Forget it."""
        tus.check_version(request._request)
        services.terminate_upload(actor=self.actor, upload=selectors.upload_for(self.actor, upload_id))
        return HttpResponse(status=204)
