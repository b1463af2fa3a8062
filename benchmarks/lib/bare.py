"""The model calls of the engine's stages with nothing around them: `python -m benchmarks.lib.bare STAGE WORKSPACE`.

Each function is what a person would write in ten lines to get the same result from the same library on the finished workspace's
files. ffmpeg's own share is measured by benchmarks/engine.py.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from apps.engine.settings import EngineSettings


def probe(folder: Path, settings: EngineSettings) -> None:
    """Open the file and read every packet once."""
    import av

    with av.open(str(folder / "source")) as container:
        for _packet in container.demux():
            pass


def separate(folder: Path, settings: EngineSettings) -> None:
    """DeepFilterNet over the mix, speech and remainder written."""
    import numpy as np
    import soundfile

    from apps.engine.deepfilter import DELAY, DeepFilter

    sound, rate = soundfile.read(folder / "audio.wav", dtype="float32", always_2d=True)
    with DeepFilter() as model:
        padded = np.pad(sound.mean(axis=1), (0, DELAY + -(len(sound) + DELAY) % model.frame))
        speech = model.process(padded)[DELAY : DELAY + len(sound)]
    soundfile.write(folder / "bare-speech.wav", speech, rate)
    soundfile.write(folder / "bare-background.wav", sound - speech[:, None], rate)


def recognize(folder: Path, settings: EngineSettings) -> None:
    """faster-whisper with the language to be found out and word times; the speaker encoder on what was said."""
    import soundfile
    from faster_whisper import WhisperModel

    from apps.engine.voiceprint import WEIGHTS_FILE, VoiceEncoder

    model = WhisperModel(
        str(settings.model_path(f"whisper-{settings.whisper_model}")),
        device="cpu",
        compute_type="int8",
        cpu_threads=settings.cores,
    )
    segments, _info = model.transcribe(
        str(folder / "asr.wav"), beam_size=settings.whisper_beam, vad_filter=True, word_timestamps=True
    )
    (folder / "bare.txt").write_text("\n".join(segment.text for segment in segments))
    heard, rate = soundfile.read(folder / "asr.wav", dtype="float32")
    lines = _lines(folder)["lines"]
    VoiceEncoder(settings.model_path(WEIGHTS_FILE)).embed(
        [heard[int(line["start"] * rate) : int(line["end"] * rate)] for line in lines]
    )


def translate(folder: Path, settings: EngineSettings) -> None:
    """Every line through the same Firefox model."""
    from fxtranslate import Translator

    document = _lines(folder)
    source, target = document["source_language"][:2], document["target_locale"][:2]
    place = settings.model_path("firefox", f"{source}-{target}")
    vocabulary = next(place.glob("vocab*.spm")).read_bytes()
    model = Translator(
        next(place.glob("model*.bin")).read_bytes(), vocabulary, vocabulary, next(place.glob("lex*.bin")).read_bytes()
    )
    (folder / "bare.json").write_text(json.dumps([model.translate_long(line["source"]) for line in document["lines"]]))


def speak(folder: Path, settings: EngineSettings) -> None:
    """Every line once, with the voice and at the speed that the engine ended with; the speaker encoder once, on 12 s."""
    import numpy as np
    import soundfile

    from apps.engine.tts_kokoro import KokoroVoice
    from apps.engine.voiceprint import WEIGHTS_FILE, VoiceEncoder

    facts = json.loads((folder / "speak.json").read_text())
    texts = {line["id"]: line["target"] for line in _lines(folder)["lines"]}
    heard, _rate = soundfile.read(folder / "asr.wav", dtype="float32", frames=12 * 16_000)
    VoiceEncoder(settings.model_path(WEIGHTS_FILE)).embed([np.asarray(heard, np.float32)])
    model = KokoroVoice(settings)
    for line in facts["lines"]:
        samples = model.speak(texts[line["id"]], line["voice"], facts["language"], line["speed"])
        soundfile.write(folder / f"bare-{line['id']}.wav", samples, model.sample_rate)


def _lines(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "transcript.json").read_text())
    return document


CALLS: dict[str, Callable[[Path, EngineSettings], None]] = {
    "probe": probe, "separate": separate, "recognize": recognize, "translate": translate, "speak": speak,
}  # fmt: skip

if __name__ == "__main__":
    CALLS[sys.argv[1]](Path(sys.argv[2]), EngineSettings.from_env())
