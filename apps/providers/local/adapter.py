"""TranslationOrder -> EngineTask: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apps.engine.task import EngineTask, GlossaryTerm, Limits
from apps.engine.workspace import SOURCE_FILE, SUBTITLE_FILE
from apps.providers.orders import TranslationOrder


def engine_task(
    order: TranslationOrder,
    *,
    target_locale: str,
    terms: Sequence[GlossaryTerm] = (),
    limits: Limits | None = None,
    title: str = "",
    cast: Mapping[str, str] | None = None,
) -> EngineTask:
    """The engine's task for one target locale of an order; terms are those of the pinned glossary versions.

    `cast` are the voices of speakers in the iteration before.
    """
    given = order.subtitle
    return EngineTask(
        source=SOURCE_FILE,
        title=order.title or title,
        media_type=order.media_type,
        source_language=order.source_language,
        target_locale=target_locale,
        steps=tuple(order.steps),
        subtitle_source=order.subtitle_source,
        subtitle_file=SUBTITLE_FILE if given is not None and order.subtitle_source == "file" else None,
        subtitle_usage=given.usage if given is not None else "original",
        text_box=order.ocr_text_box,
        speaker_count=order.speaker_count,
        voice=order.voice,
        cast=dict(cast or {}),
        style=order.subtitle_style,
        timing=order.timing,
        glossary=tuple(terms),
        export_type=order.export_type,
        review_after=order.review_after,
        hls=order.hls,
        limits=limits or Limits(),
    )
