"""Folders: a name that groups an organization's projects (a SpaceName of Volcengine's clients). They exist while something is in them."""

from __future__ import annotations

import re
from typing import Final

from apps.core import errors
from apps.projects.models import Project

MAX_FOLDER: Final = 64
_FOLDER: Final = re.compile(r"[^\x00-\x1f\x7f/\\]{1,64}")


def check_folder(folder: str, field: str = "folder") -> str:
    """The name without blanks around it. Raises ApiError 5: 1 to 64 characters, no slash, no control characters."""
    folder = folder.strip()
    if not _FOLDER.fullmatch(folder):
        raise errors.invalid(field, f"Needs 1 to {MAX_FOLDER} characters, without slashes.")
    return folder


def put_into_folder(*, organization_id: int, project: str, folder: str) -> None:
    """Puts a project, by its public id, into a folder; in the caller's transaction. Raises ApiError 5 or 4040."""
    folder = check_folder(folder)
    if not Project.objects.filter(organization_id=organization_id, public_id=project).update(folder=folder):
        raise errors.not_found("project")
