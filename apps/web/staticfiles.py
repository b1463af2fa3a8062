"""Hashed static files whose ES modules find each other: the names inside import statements are hashed too."""

from __future__ import annotations

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class HashedStaticFiles(ManifestStaticFilesStorage):
    """Django's hashed names, with import statements of modules rewritten."""

    support_js_module_import_aggregation = True
