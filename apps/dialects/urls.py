"""Routes of the dialects; each vendor's are its own folder's. Asked before the web's, so that nothing below them is a page."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("apps.dialects.azure.urls")),
    path("", include("apps.dialects.vozo.urls")),
]
