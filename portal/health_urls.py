"""Addresses for machines that watch this one."""

from django.urls import path

from portal.health import healthz, readyz
from portal.metrics import metrics

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
