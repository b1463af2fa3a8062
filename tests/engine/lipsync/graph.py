"""Tiny ONNX graphs of Wav2Lip's form, byte by byte (protobuf, onnx.proto): no model, and no quality can be learned from them.

"energy" paints the lower half of the face in one grey that follows the loudness of its piece of sound; "masked" gives back the first
three channels that it was sent: the face whose lower half is black.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

FLOAT, INT64, INTS = 1, 7, 7
OPSET, IR = 13, 7
LICENCE = "Made by the tests; free."


def directory(
    folder: Path, kind: str = "energy", *, size: int = 96, batch: int | str = "n", **manifest: object
) -> Path:
    """A model's directory with graph and manifest; `batch` a number fixes the graph's first size."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.onnx").write_bytes(model(kind, size, batch))
    about = {"name": "Tiny", "licence": LICENCE, "face_size": size, "batch": 4} | manifest
    (folder / "kinoglot.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


def model(kind: str, size: int, batch: int | str) -> bytes:
    """The bytes of a ModelProto."""
    lower = np.zeros((1, 1, size, size), np.float32)
    lower[:, :, size // 2 :] = 1
    first = 0 if kind == "masked" else 3
    numbers = {
        "starts": np.array([first]), "ends": np.array([first + 3]), "axes": np.array([1]),
        "lower": lower, "upper": 1 - lower, "most": np.float32([4]), "scale": np.float32([0.125]),
    }  # fmt: skip
    nodes = [_node("Slice", ["video_frames", "starts", "ends", "axes"], "face")]
    if kind == "masked":
        nodes.append(_node("Identity", ["face"], "out"))
    else:
        nodes += [
            _node("ReduceMean", ["mel_spectrogram"], "level", _ints("axes", [1, 2, 3])),
            _node("Add", ["level", "most"], "above"),
            _node("Mul", ["above", "scale"], "grey"),
            _node("Mul", ["grey", "lower"], "painted"),
            _node("Mul", ["face", "upper"], "kept"),
            _node("Add", ["kept", "painted"], "out"),
        ]
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, b"tiny")
    graph += b"".join(_field(5, _tensor(name, value)) for name, value in numbers.items())
    graph += _field(11, _value("mel_spectrogram", [batch, 1, 80, 16]))
    graph += _field(11, _value("video_frames", [batch, 6, size, size]))
    graph += _field(12, _value("out", [batch, 3, size, size]))
    return _number(1, IR) + _field(7, graph) + _field(8, _number(2, OPSET))


def _node(kind: str, inputs: list[str], output: str, *attributes: bytes) -> bytes:
    named = b"".join(_field(1, name.encode()) for name in inputs) + _field(2, output.encode())
    return named + _field(4, kind.encode()) + b"".join(_field(5, one) for one in attributes)


def _ints(name: str, values: list[int]) -> bytes:
    return _field(1, name.encode()) + b"".join(_number(8, value) for value in values) + _number(20, INTS)


def _tensor(name: str, value: np.ndarray) -> bytes:
    whole = value.dtype.kind == "i"
    data = value.astype("<i8" if whole else "<f4").tobytes()
    sizes = b"".join(_number(1, size) for size in value.shape)
    return sizes + _number(2, INT64 if whole else FLOAT) + _field(8, name.encode()) + _field(9, data)


def _value(name: str, sizes: list[int | str]) -> bytes:
    dims = b"".join(
        _field(1, _number(1, size) if isinstance(size, int) else _field(2, size.encode())) for size in sizes
    )
    return _field(1, name.encode()) + _field(2, _field(1, _number(1, FLOAT) + _field(2, dims)))


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
