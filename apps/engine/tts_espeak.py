"""Speech by espeak-ng, the last resort for languages without a natural voice; called in the library, without a sound device."""

from __future__ import annotations

import contextlib
import ctypes
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.core.errors import JobError

_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_UTF8 = 1
_RATE, _PUNCTUATION_CHARACTER = 1, 1
_NORMAL_WORDS_PER_MINUTE = 165
_SEED = 1
_NO_VOICE = 3  # exit status
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class EspeakVoice:
    """The library, started once per process (it keeps global state). Raises JobError 10045 when it does not start."""

    min_speed, max_speed = 0.85, 1.5
    respeak_from = 0.06  # costs nothing

    def __init__(self) -> None:
        import espeakng_loader

        try:
            self._lib = ctypes.CDLL(espeakng_loader.get_library_path())
        except OSError as error:
            raise JobError(10045, "the speech library espeak-ng could not be loaded") from error
        self.sample_rate = int(
            self._lib.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), _DONT_EXIT)
        )
        if self.sample_rate <= 0:
            raise JobError(10045, "the speech library espeak-ng did not start")
        self._parts: list[NDArray[np.int16]] = []
        self._callback: Any = _CALLBACK(self._take)  # kept: ctypes does not hold it
        self._lib.espeak_SetSynthCallback(self._callback)

    def _take(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            self._parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def guess_seconds(self, text: str, language: str) -> float:
        """About how long the text takes at speed 1."""
        return 0.2 + 0.065 * len(text)

    def speak(self, text: str, voice: str, language: str, speed: float) -> NDArray[np.float32]:
        """Samples at `sample_rate`; `voice` is one of espeak's variants ("f2"). Raises JobError 10045 for an unknown language.

        The library's noise and filters go on where the last text left them. Each text is therefore spoken by a copy of this process
        as it was in the beginning: the same line has the same samples, whatever was said before it.
        """
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(reading)
                status = self._speak_into(writing, text, f"{language}+{voice}", speed)
            finally:
                os._exit(status)
        os.close(writing)
        with os.fdopen(reading, "rb") as stream:
            data = stream.read()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == _NO_VOICE:
            raise JobError(10045, f"espeak-ng has no voice for {language}")
        if status != 0:
            raise JobError(10045, f"espeak-ng failed while it spoke ({status})")
        return np.frombuffer(data, np.int16).astype(np.float32) / 32768.0

    def _speak_into(self, pipe: int, text: str, name: str, speed: float) -> int:
        """Speaks into a pipe, once in a process; the exit status."""
        with contextlib.suppress(AttributeError):  # older libraries draw their seed from the clock
            self._lib.espeak_ng_SetRandSeed(ctypes.c_long(_SEED))
        if self._lib.espeak_SetVoiceByName(name.encode()) != 0:
            return _NO_VOICE
        self._lib.espeak_SetParameter(_RATE, round(_NORMAL_WORDS_PER_MINUTE * speed), 0)
        self._parts = []
        data = text.encode() + b"\0"
        self._lib.espeak_Synth(data, ctypes.c_size_t(len(data)), 0, _PUNCTUATION_CHARACTER, 0, _UTF8, None, None)
        self._lib.espeak_Synchronize()
        with os.fdopen(pipe, "wb") as stream:
            for part in self._parts:
                stream.write(part.tobytes())
        return 0
