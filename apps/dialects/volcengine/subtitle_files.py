"""Subtitle files that a client names: read, and two of them made into the bilingual one that our orders know."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from apps.accounts.actor import Actor
from apps.core import errors
from apps.core.errors import JobError
from apps.engine import given, subtitles
from apps.engine.subtitles import Cue
from apps.projects import storage
from apps.projects.models import Asset
from apps.projects.services import create_asset_from_file

_NO_LIMIT: Final = float(10 * 24 * 3600)
"""Seconds: the media may not have been looked at yet; the engine cuts what lies behind its end."""


def cues_of(asset: Asset, *, field: str, language: str = "auto") -> list[Cue]:
    """The file's cues. Raises ApiError 5 on `field` when it is not there yet or no subtitle file."""
    if asset.status != Asset.Status.STORED:
        raise errors.invalid(field, "The file is not here yet, or could not be fetched.")
    try:
        with storage.open_key(asset.storage_key) as stream:
            data = stream.read(subtitles.MAX_FILE_BYTES + 1)
        return subtitles.read(data, language)
    except FileNotFoundError:
        raise errors.invalid(field, "The file is not here any more.") from None
    except JobError as error:
        raise errors.invalid(field, f"Not a subtitle file: {error.reason}.") from None


def merge_files(actor: Actor, source: Asset, target: Asset, *, fields: Sequence[str], prefix: str) -> Asset:
    """A bilingual file of the two as a new asset, each target text at the source line whose time it shares.

    Raises ApiError 5 naming the file that cannot be read.
    """
    spoken, _ = given.lines_from_cues(
        cues_of(source, field=f"{prefix}.{fields[0]}"), _NO_LIMIT, by_sentence=False, max_lines=0
    )
    given.pair_targets(spoken, cues_of(target, field=f"{prefix}.{fields[1]}"))
    if not any(line.target for line in spoken):
        raise errors.invalid(f"{prefix}.{fields[1]}", "Its times meet no line of the source file.")
    both = [Cue(line.start, line.end, f"{line.target or line.source}\n{line.source}") for line in spoken]
    with tempfile.TemporaryDirectory(prefix="kinoglot-subtitles-") as folder:
        path = Path(folder) / "both.srt"
        path.write_text(subtitles.write(both, "srt"), encoding="utf-8")
        name = f"{Path(source.file_name).stem}+{Path(target.file_name).stem}.srt"
        return create_asset_from_file(actor=actor, path=path, file_name=name, kind=Asset.Kind.SUBTITLE)
