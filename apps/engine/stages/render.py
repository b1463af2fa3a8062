"""Stage render: everything a customer downloads, into out/ with out/manifest.json (see apps/engine/outputs.py)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from apps.core.languages import name_in
from apps.engine import captions, erase, ffmpeg, fonts, hls, mix, mux, pictures, report, styled
from apps.engine.lipsync.types import DUB_FACTS_FILE, DUB_PICTURES_FILE
from apps.engine.media import MediaInfo
from apps.engine.outputs import OutputList, subtitle_files
from apps.engine.settings import EngineSettings
from apps.engine.stages import Report
from apps.engine.stages.probe import read_probe
from apps.engine.subtitles import Side, cues_of, write
from apps.engine.task import EngineTask
from apps.engine.transcript import Transcript
from apps.engine.workspace import (
    BACKGROUND_FILE,
    OUT_DIR,
    PROBE_FILE,
    SEPARATE_FILE,
    TRANSCRIPT_FILE,
    VOICE_FILE,
    Workspace,
)

RECIPE = 1
MP3_KBPS = 192


class Render:
    """Mix, mux, burn, cover, package, subtitle files and report."""

    name = "render"

    def inputs(self, task: EngineTask) -> tuple[str, ...]:
        sound = (VOICE_FILE, BACKGROUND_FILE, SEPARATE_FILE, "speak.json") if task.wants_voice else ()
        faces = (DUB_PICTURES_FILE, DUB_FACTS_FILE) if "lipsync" in task.steps else ()
        return (task.source, PROBE_FILE, TRANSCRIPT_FILE, "translate.json", *sound, *faces)

    def outputs(self, task: EngineTask) -> tuple[str, ...]:
        return (OUT_DIR,)

    def key(self, task: EngineTask, ws: Workspace) -> str:
        return ws.key_of(
            self.name,
            self.inputs(task),
            task.style,
            task.text_box,
            task.export_type,
            task.hls,
            task.steps,
            task.voice,
            task.title,
            RECIPE,
        )

    def run(self, ws: Workspace, task: EngineTask, report: Report) -> None:
        with ws.writing_directory(OUT_DIR) as folder, ws.scratch() as work:
            _Job(ws, task, report, folder, work).run()


class _Job:
    """One render: what the parts share."""

    def __init__(self, ws: Workspace, task: EngineTask, report: Report, folder: Path, work: Path) -> None:
        self.ws, self.task, self.tell, self.work = ws, task, report, work
        self.settings = EngineSettings.from_env()
        self.info: MediaInfo = read_probe(ws)
        self.transcript: Transcript = ws.read_transcript(TRANSCRIPT_FILE)
        self.outputs = OutputList(folder)
        self.not_honoured: list[str] = []
        self.duration = self.info.duration
        kind = task.export_type
        has_picture = self.info.video is not None and task.media_type != "audio"
        self.makes_video = has_picture and kind in ("auto", "video", "all")
        self.makes_sound = task.wants_voice and kind in ("auto", "audio", "all")
        self.painted = self._painted_pictures()

    def run(self) -> None:
        mixed: mix.MixFacts | None = None
        dub: Path | None = None
        if self.task.wants_voice and (self.makes_video or self.makes_sound):
            dub, mixed = self._mix()
        size = (self.info.video.display_width, self.info.video.display_height) if self.info.video else (1280, 720)
        main = not self.makes_video and not self.makes_sound
        subtitle_files(self.outputs, self.transcript, self.task.style, size, self.task.title, main=main)
        plan = self._movie(dub) if self.makes_video else None
        if dub is not None and self.makes_sound:
            self._sound_files(dub)
        if self.task.hls:
            self._hls(dub)
        self._documents(plan, mixed)
        self.outputs.write_manifest()
        self.tell(1, 1, "file")

    def _painted_pictures(self) -> Path | None:
        """The pictures with mouths that follow the dub, where some were painted."""
        if "lipsync" not in self.task.steps or not self.makes_video:
            return None
        path = self.ws.path(DUB_PICTURES_FILE)
        return path if path.stat().st_size else None

    def _mix(self) -> tuple[Path, mix.MixFacts]:
        path = self.work / "dub.wav"
        return path, mix.make_mix(
            self.ws, self.task.voice.background_volume, path, lambda done, total: self.tell(done, total, "step")
        )

    def _movie(self, dub: Path | None) -> pictures.Plan:
        style, language = self.task.style, self.task.target_locale
        burn = style.burn_in and fonts.can_burn(self.settings, language)
        if style.burn_in and not burn:
            self.not_honoured.append(
                f"burn_in: no font for {language} is installed, so the subtitles were not burnt in"
            )
        box = self.task.text_box if style.erase_source else None
        if style.erase_source and box is None:
            self.not_honoured.append("erase_source: no text box was given, so nothing was covered")
        covered = (
            erase.spans([(line.start, line.end) for line in self.transcript.lines])
            if self.task.subtitle_source == "ocr"
            else []
        )
        shown = self.info if self.painted is None else pictures.plain_info(self.info)
        plan = pictures.plan(shown, burn=burn, box=box, covered=covered)
        if burn:
            self._prepare_burn(plan)
        if box is not None:
            self.not_honoured.append("erase_source: " + erase.SAID)
        name = name_in(language, "en")
        label = f"Video, {name}" if dub is not None else f"Video with subtitles, {name}"
        if self.painted is not None:
            label += f" (lip sync: {self.ws.read_json(DUB_FACTS_FILE)['backend']})"
        target = self.outputs.add(
            "video", f"video.{language}.mp4", label, language=language, main=True, duration=self.duration
        )
        movie = mux.Movie(
            source=self.ws.path(self.task.source), info=self.info, plan=plan, dub=dub, target_locale=language,
            source_locale=self.transcript.source_language, subtitles=self._soft_subtitles(dub, burn=burn), title=self.task.title,
            pictures=self.painted,
        )  # fmt: skip
        mux.write(movie, target, self.work, self._on_time)
        return plan

    def _prepare_burn(self, plan: pictures.Plan) -> None:
        style, language = self.task.style, self.task.target_locale
        rows = styled.rows_for_picture(style, language, plan.width, plan.height)
        cues = captions.lay_out(cues_of(self.transcript, "target"), rows)
        text = styled.document(cues, style, language, plan.width, plan.height, self.task.title)
        (self.work / "burn.ass").write_text(text, encoding="utf-8")
        fonts.link_fonts(self.settings, self.work / "fonts")

    def _soft_subtitles(self, dub: Path | None, *, burn: bool) -> tuple[mux.SoftSubtitle, ...]:
        tracks = []
        sides: tuple[tuple[Side, str], ...] = (
            ("target", self.task.target_locale),
            ("source", self.transcript.source_language),
        )
        for side, locale in sides:
            rows = captions.rows_for_files(self.task.style, locale or "en")
            cues = captions.lay_out(cues_of(self.transcript, side), rows)
            if cues:
                path = self.work / f"{side}.srt"
                path.write_text(write(cues, "srt", language=locale), encoding="utf-8")
                shown = side == "target" and dub is None and not burn
                tracks.append(mux.SoftSubtitle(path, locale, name_in(locale, "en") if locale else "Source", shown))
        return tuple(tracks)

    def _sound_files(self, dub: Path) -> None:
        language = self.task.target_locale
        name = name_in(language, "en")
        wav = self.outputs.add(
            "audio",
            f"dub.{language}.wav",
            f"Dub, {name} (WAV)",
            language=language,
            duration=self.duration,
            main=not self.makes_video,
        )
        shutil.copyfile(dub, wav)
        mp3 = self.outputs.add(
            "audio_mp3", f"dub.{language}.mp3", f"Dub, {name} (MP3)", language=language, duration=self.duration
        )
        self._encode(
            dub, mp3, ["-c:a", "libmp3lame", "-b:a", f"{MP3_KBPS}k", "-id3v2_version", "0", "-write_xing", "1"]
        )
        plain = [("voice", VOICE_FILE, "voice", "Voice without background (WAV)", language)]
        if self.info.has_audio and self.ws.read_json(SEPARATE_FILE)["method"] == "deepfilter":
            plain.append(("background", BACKGROUND_FILE, "background", "Background without voices (WAV)", ""))
        for kind, file, stem, label, spoken in plain:
            path = self.outputs.add(kind, f"{stem}.wav", label, language=spoken, duration=self.duration)  # type: ignore[arg-type]
            self._encode(self.ws.path(file), path, ["-c:a", "pcm_s16le"])

    def _encode(self, source: Path, target: Path, options: list[str]) -> None:
        ffmpeg.run(
            ["-i", source, *options, *mix.bitexact(), target],
            code=10003,
            what="writing a sound file",
            on_time=self._on_time,
        )

    def _hls(self, dub: Path | None) -> None:
        language = self.task.target_locale
        if not self.makes_video and dub is None:
            self.not_honoured.append("hls: there is neither a video nor a dub to stream")
            return
        sounds: list[hls.HlsSound] = []
        if dub is not None:
            sounds.append(hls.HlsSound(0, language, "dub", name_in(language, "en")))
        if self.makes_video:
            movie = next(self.outputs.folder / item.path for item in self.outputs.items if item.kind == "video")
            if self.info.has_audio:
                sounds.append(
                    hls.HlsSound(len(sounds), self.transcript.source_language or "und", "original", "Original")
                )
        else:
            movie = self.work / "dub.m4a"
            assert dub is not None  # checked above
            self._encode(dub, movie, ["-c:a", "aac", "-b:a", f"{mux.AUDIO_KBPS}k"])
        texts = [
            hls.HlsSubtitle(
                self.outputs.folder / item.path,
                item.language or "und",
                name_in(item.language, "en") if item.language else "Source",
                False,
            )
            for kind in ("subtitle_target", "subtitle_source")
            for item in self.outputs.items
            if item.format == "vtt" and item.kind == kind
        ]
        target = self.outputs.add(
            "hls", f"hls.{language}.zip", "Streaming copy (HLS)", language=language, duration=self.duration
        )
        hls.package(
            movie,
            sounds,
            texts if self.makes_video else [],
            self.duration,
            target,
            self.work,
            pictures=self.makes_video,
        )

    def _documents(self, plan: pictures.Plan | None, mixed: mix.MixFacts | None) -> None:
        path = self.outputs.add("transcript", "transcript.json", "Transcript (JSON)", language=self.task.target_locale)
        path.write_bytes(self.transcript.to_json())
        if self.task.timing.adjust_video_speed:
            self.not_honoured.append(
                "adjust_video_speed: this engine fits the voice to the picture and never changes the picture's speed"
            )
        facts = report.build(self.ws, self.task, self.settings, self.transcript, plan, mixed, self.not_honoured)
        path = self.outputs.add("report", "report.json", "Report (JSON)")
        path.write_bytes(msgspec.json.format(msgspec.json.encode(facts), indent=1) + b"\n")

    @property
    def _on_time(self) -> Callable[[float], None]:
        return lambda seconds: self.tell(min(seconds, self.duration), self.duration, "second")


STAGE = Render()
