"""The text translators behind a route: Firefox models in this process, apertium as a program."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from apps.core.errors import JobError
from apps.engine.routes import Hop
from apps.engine.settings import EngineSettings

Translate = Callable[[str], str]
APERTIUM_TIMEOUT = 60.0


def load(settings: EngineSettings, hops: Sequence[Hop]) -> Translate:
    """A function that takes one sentence through every hop. Must be used in the thread that made it (fxtranslate).

    Raises JobError 10030 when a model cannot be read.
    """
    steps = [_firefox(settings, hop) if hop.backend == "firefox" else _apertium(hop) for hop in hops]

    def through(text: str) -> str:
        for step in steps:
            text = step(text)
        return text

    return through


def model_files(settings: EngineSettings, hop: Hop) -> dict[str, Path]:
    """Files of a Firefox pair: model, source and target vocabulary (may be one), shortlist if there is one."""
    folder = settings.model_path("firefox", f"{hop.source}-{hop.target}")
    found = {
        "model": sorted(folder.glob("model*.bin")),
        "source": sorted(folder.glob("srcvocab*.spm")) or sorted(folder.glob("vocab*.spm")),
        "target": sorted(folder.glob("trgvocab*.spm")) or sorted(folder.glob("vocab*.spm")),
        "shortlist": sorted(folder.glob("lex*.bin")),
    }
    return {name: paths[0] for name, paths in found.items() if paths}


def _firefox(settings: EngineSettings, hop: Hop) -> Translate:
    from fxtranslate import Translator

    files = model_files(settings, hop)
    try:
        data = {name: path.read_bytes() for name, path in files.items()}
        model = Translator(data["model"], data["source"], data["target"], data.get("shortlist"))
    except (OSError, KeyError, ValueError) as error:
        raise JobError(10030, f"the translation model {hop.source}-{hop.target} could not be loaded") from error
    return model.translate_long


def _apertium(hop: Hop) -> Translate:
    def translate(text: str) -> str:
        try:
            done = subprocess.run(
                ["apertium", "-u", f"{hop.source}-{hop.target}"],
                input=text, capture_output=True, text=True, timeout=APERTIUM_TIMEOUT, check=True,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            raise JobError(10030, f"apertium {hop.source}-{hop.target} failed") from error
        # "*word" marks what apertium does not know; it is better read than starred
        return re.sub(r"(?<!\w)[*@#](?=\w)", "", done.stdout.strip())

    return translate
