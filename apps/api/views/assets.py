"""Assets: files of the organization, by link or by upload."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from apps.api import present, samples
from apps.api.base import ApiView, json_response
from apps.api.openapi import answer_example, operation, request_example
from apps.api.schemas import assets as shapes
from apps.core import errors
from apps.projects import selectors, services
from apps.projects.services.faces import PERMISSION


class AssetListView(ApiView):
    """GET and POST /assets."""

    permissions = {"GET": "jobs.view", "POST": "assets.write"}

    @operation(
        "assets_list",
        "Assets, newest first",
        tag="Assets",
        query=shapes.AssetQuery,
        answers={200: shapes.AssetPage},
        codes=(errors.INVALID,),
        examples=[answer_example("page", shapes.AssetPage(items=[samples.ASSET], next_cursor=None))],
    )
    def get(self, request: Request) -> HttpResponse:
        """One page of assets."""
        query = self.query(shapes.AssetQuery)
        page = selectors.assets_for(self.actor, kind=query.kind or "", cursor=query.cursor, limit=query.limit)
        return json_response(
            shapes.AssetPage(items=[present.asset(row) for row in page.items], next_cursor=page.next_cursor or None)
        )

    @operation(
        "assets_create",
        "Make an asset of a link",
        description=(
            "Answers at once with status `remote`; a worker fetches and probes the file (then `stored`, or `failed` with an "
            "error code). Private and local addresses are refused. To send a file, use POST /uploads."
        ),
        tag="Assets",
        request=shapes.NewAsset,
        answers={201: shapes.Asset},
        codes=(errors.INVALID, errors.MEDIA_TYPE, errors.CONFLICT),
        examples=[
            request_example("link", {"url": "https://example.com/talk.mp4"}),
            answer_example("asset", samples.ASSET, 201),
        ],
        idempotent=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """A link becomes an asset."""
        given = self.body(shapes.NewAsset)
        row = services.create_asset_from_url(actor=self.actor, url=given.url, kind=given.kind)
        row.refresh_from_db()
        return json_response(present.asset(row), 201, {"Location": f"/api/v1/assets/{row.public_id}"})


class AssetView(ApiView):
    """GET /assets/{id}."""

    permissions = {"GET": "jobs.view"}

    @operation(
        "assets_get",
        "One asset",
        tag="Assets",
        answers={200: shapes.Asset},
        codes=(errors.NOT_FOUND,),
        examples=[answer_example("asset", samples.ASSET)],
    )
    def get(self, request: Request, asset_id: str) -> HttpResponse:
        """One asset with a fresh link."""
        return json_response(present.asset(selectors.asset_for(self.actor, asset_id)))


class AssetFacesView(ApiView):
    """GET /assets/{id}/faces."""

    permissions = {"GET": PERMISSION}

    @operation(
        "assets_faces",
        "Faces in a picture or video",
        description=(
            "For lip sync: whom an order may name in `faces`. The first call sends a worker to look and answers `looking`; ask again "
            "until it is `ready` or `failed`. What was found is remembered. In a video the first minute is looked at, and the picture "
            "that shows most faces is told."
        ),
        tag="Assets",
        query=shapes.FacesQuery,
        answers={200: shapes.AssetFaces},
        codes=(errors.INVALID, errors.NOT_FOUND),
        examples=[answer_example("faces", samples.FACES)],
    )
    def get(self, request: Request, asset_id: str) -> HttpResponse:
        """What is known by now, with a fresh link to the picture."""
        query = self.query(shapes.FacesQuery)
        asset = selectors.asset_for(self.actor, asset_id)
        look = services.look_for_faces(actor=self.actor, asset=asset, resolution=query.resolution)
        url = services.face_picture_url(actor=self.actor, asset=asset, absolute=True)
        return json_response(present.faces(look, url))
