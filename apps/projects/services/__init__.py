"""Verbs of assets, uploads and transcripts."""

from apps.projects.services.assets import create_asset_from_file, create_asset_from_url
from apps.projects.services.faces import face_picture_url, find_faces, look_for_faces
from apps.projects.services.fetch import probe_asset, store_remote_asset
from apps.projects.services.folders import check_folder, put_into_folder
from apps.projects.services.transcripts import save_revision
from apps.projects.services.uploads import append_upload, create_upload, expire_uploads, terminate_upload

__all__ = [
    "append_upload",
    "check_folder",
    "create_asset_from_file",
    "create_asset_from_url",
    "create_upload",
    "expire_uploads",
    "face_picture_url",
    "find_faces",
    "look_for_faces",
    "probe_asset",
    "put_into_folder",
    "save_revision",
    "store_remote_asset",
    "terminate_upload",
]
