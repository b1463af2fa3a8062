"""Voice embeddings: Resemblyzer's speaker encoder (three LSTM layers, Apache-2.0 weights) computed with numpy."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from apps.core.errors import JobError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

RATE = 16_000
WINDOW = 400
HOP = 160
BANDS = 40
PARTIAL_FRAMES = 160
"""The encoder sees 1.6 s at a time."""

TARGET_DBFS = -30.0
WEIGHTS_FILE = "speakers/pretrained.pt"
BATCH = 64


class VoiceEncoder:
    """Loaded weights; raises JobError 10021 when the file is not what it should be."""

    def __init__(self, path: Path) -> None:
        try:
            state = read_checkpoint(path)["model_state"]
            self._layers = [
                (
                    np.ascontiguousarray(state[f"lstm.weight_ih_l{n}"].T),
                    np.ascontiguousarray(state[f"lstm.weight_hh_l{n}"].T),
                    state[f"lstm.bias_ih_l{n}"] + state[f"lstm.bias_hh_l{n}"],
                )
                for n in range(3)
            ]
            self._weight, self._bias = np.ascontiguousarray(state["linear.weight"].T), state["linear.bias"]
        except (OSError, KeyError, ValueError, pickle.UnpicklingError, EOFError) as error:
            raise JobError(10021, "the speaker model is damaged; install the models again") from error
        self._filters = mel_filters()

    def embed(self, pieces: list[Floats]) -> NDArray[np.float32]:
        """One unit vector of 256 per piece of speech (any length; shorter than 1.6 s is repeated to fill)."""
        mels, owners = [], []
        for number, piece in enumerate(pieces):
            for part in self._partials(piece):
                mels.append(part)
                owners.append(number)
        if not mels:
            return np.zeros((0, 256), np.float32)
        vectors = np.concatenate([self._run(np.stack(mels[i : i + BATCH])) for i in range(0, len(mels), BATCH)])
        owner = np.array(owners)
        means = np.stack([vectors[owner == number].mean(axis=0) for number in range(len(pieces))])
        return unit(means)

    def _partials(self, samples: Floats) -> list[Floats]:
        """Mel pictures of 1.6 s with half overlap; a rest of less than half a window is left out."""
        need = PARTIAL_FRAMES * HOP
        if len(samples) < need:
            samples = np.tile(samples, need // max(1, len(samples)) + 1)[:need]
        mel = self._mel(normalize(samples))
        last = max(0, len(mel) - PARTIAL_FRAMES)
        starts = sorted({*range(0, last + 1, PARTIAL_FRAMES // 2), last})
        return [mel[start : start + PARTIAL_FRAMES] for start in starts]

    def _mel(self, samples: Floats) -> Floats:
        padded = np.pad(samples, WINDOW // 2)
        frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
        power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
        return (power @ self._filters).astype(np.float32)

    def _run(self, batch: Floats) -> Floats:
        """LSTM over (batch, frames, bands); gates in torch's order input, forget, cell, output."""
        sequence = batch.transpose(1, 0, 2)
        hidden = np.zeros((batch.shape[0], 256), np.float32)
        for w_input, w_hidden, bias in self._layers:
            projected = sequence @ w_input + bias
            hidden = np.zeros((batch.shape[0], 256), np.float32)
            cell = np.zeros_like(hidden)
            outputs = np.empty((len(sequence), batch.shape[0], 256), np.float32)
            for step in range(len(sequence)):
                gates = projected[step] + hidden @ w_hidden
                inward, forget, fresh, outward = np.split(gates, 4, axis=1)
                cell = sigmoid(forget) * cell + sigmoid(inward) * np.tanh(fresh)
                hidden = sigmoid(outward) * np.tanh(cell)
                outputs[step] = hidden
            sequence = outputs
        return unit(np.maximum(hidden @ self._weight + self._bias, 0.0))


def sigmoid(values: Floats) -> Floats:
    """Logistic function that does not overflow."""
    result: Floats = 0.5 * (1.0 + np.tanh(0.5 * values))
    return result


def unit(vectors: Floats) -> Floats:
    """Rows of length 1."""
    result: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return result


def normalize(samples: Floats) -> Floats:
    """Raises quiet speech to the level that the encoder was trained at."""
    level = 20 * np.log10(max(float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))), 1e-7))
    return samples * np.float32(10 ** (max(0.0, TARGET_DBFS - level) / 20))


def mel_filters() -> NDArray[np.float64]:
    """Slaney's 40 triangular bands from 0 to 8 kHz with unit area, as librosa makes them; (bins, bands)."""
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(RATE / 2), BANDS + 2))
    bins = np.arange(WINDOW // 2 + 1) * RATE / WINDOW
    rising = (bins[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[None, 2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    result: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling)) * 2.0 / (edges[2:] - edges[:-2])
    return result


def _hz_to_mel(frequency: float) -> float:
    return 15.0 + np.log(frequency / 1000.0) / (np.log(6.4) / 27.0) if frequency >= 1000 else frequency * 3 / 200


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15.0, mel * 200 / 3, 1000.0 * np.exp((np.log(6.4) / 27.0) * (mel - 15.0)))


class _Storage:
    """Stands for a torch storage while the checkpoint is read: filled after the pickles, as torch's format has it."""

    def __init__(self, size: int) -> None:
        self.data = np.zeros(size, np.float32)


class _Tensor:
    """A view of a storage that is not filled yet."""

    def __init__(self, storage: _Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> None:
        self._storage, self._offset, self._shape, self._stride = storage, offset, shape, stride

    def array(self) -> Floats:
        """The values."""
        start = self._storage.data[self._offset :]
        strides = tuple(step * 4 for step in self._stride)
        return np.lib.stride_tricks.as_strided(start, self._shape, strides).copy()


class _Dict(dict[str, Any]):
    """An ordered dict that may be given attributes, as torch's state dicts are."""


class _Reader(pickle.Unpickler):
    """Reads torch's older file format and nothing else: no other class can be named in the pickle."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return _Dict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, stride, *_: _Tensor(storage, offset, shape, stride)
        if (module, name) == ("torch", "FloatStorage"):
            return "float"
        raise pickle.UnpicklingError(f"{module}.{name} is not expected in this file")

    def persistent_load(self, pid: Any) -> _Storage:
        _, kind, key, _, size, *_ = pid
        if kind != "float" or size > 10_000_000:
            raise pickle.UnpicklingError("unexpected storage")
        return self.storages.setdefault(key, _Storage(size))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A torch checkpoint (format before 1.6) as nested dicts of float arrays, without torch and without running code."""
    with path.open("rb") as stream:
        for _ in range(3):  # magic number, protocol version, sizes of types
            _Reader(stream).load()
        reader = _Reader(stream)
        root = reader.load()
        keys = _Reader(stream).load()
        for key in keys:
            count = int.from_bytes(stream.read(8), "little")
            storage = reader.storages[key]
            if count != len(storage.data):
                raise ValueError("storage of unexpected size")
            storage.data[:] = np.frombuffer(stream.read(count * 4), "<f4")
    resolved: dict[str, Any] = _resolve(root)
    return resolved


def _resolve(value: Any) -> Any:
    if isinstance(value, _Tensor):
        return value.array()
    if isinstance(value, dict):
        return {key: _resolve(item) for key, item in value.items()}
    return value
