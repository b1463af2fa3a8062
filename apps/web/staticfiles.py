"""Hashed static files whose ES modules find each other: the names inside import statements are hashed too."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage

OURS = "js/"  # static/js/ holds our modules; what packages bring is served as it is


class HashedStaticFiles(ManifestStaticFilesStorage):
    """Django's hashed names, with import statements of our own modules rewritten."""

    support_js_module_import_aggregation = True

    def url_converter(
        self, name: str, hashed_files: dict[str, str], template: str | None = None, *args: Any, **kwargs: Any
    ) -> Callable[[re.Match[str]], str]:
        """Leave the scripts of packages alone: htmx 4 has a bare `import("htmx")` that names no file."""
        if name.endswith(".js") and not name.startswith(OURS):
            return lambda match: match["matched"]
        convert: Any = super().url_converter(name, hashed_files, template, *args, **kwargs)
        return convert  # type: ignore[no-any-return]
