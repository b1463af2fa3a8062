"""Vozo's addresses."""

from __future__ import annotations

from django.urls import path, re_path

from apps.dialects.base import door
from apps.dialects.vozo import tasks, videos
from apps.dialects.vozo.dialect import VOZO

urlpatterns = [
    path("v1/media/translate", door(VOZO, POST=tasks.create), name="vozo-tasks"),
    path("v1/media/translate/<str:task_id>", door(VOZO, GET=tasks.show), name="vozo-task"),
    path("v1/video_generation", door(VOZO, POST=videos.create), name="vozo-videos"),
    path("v1/video_generation/<str:task_id>", door(VOZO, GET=videos.show), name="vozo-video"),
    path(
        "v1/reusable_lipsync_model_video_generation",
        door(VOZO, POST=videos.create_reusable),
        name="vozo-reusable-videos",
    ),
    re_path(r"^v1(?:/.*)?$", door(VOZO), name="vozo-nowhere"),
]
