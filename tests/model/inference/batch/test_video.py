"""Videos, written and read by PyAV: frames, times, sound, colours, and what cannot be read."""

from __future__ import annotations

import csv
import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from model.categories import NAMES
from model.inference.batch import inputs, job, one, video
from model.inference.options import Options
from model.inference.render import overlay
from model.inference.representations import style

RATE = Fraction(30000, 1001)
FRAMES = 23


def pictures(size: tuple[int, int] = (64, 96)) -> list[np.ndarray]:
    """Bright and dark fields that wander, whose grey says which frame it is."""
    height, width = size
    across = np.linspace(40, 200, width, dtype=np.float32)
    rows = [np.tile(np.roll(across, 3 * number), (height, 1)) for number in range(FRAMES)]
    return [np.dstack([each.astype(np.uint8)] * 3) for each in rows]


def write(path: Path, frames: list[np.ndarray], *, times=None, sound: str | None = "aac", codec="libx264") -> Path:
    """Write a video whose frame `n` is shown at `times[n]` 90,000ths of a second."""
    times = times or [round(90_000 * number / RATE) for number in range(len(frames))]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, options={"crf": "10"} if codec == "libx264" else {})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv444p" if frames[0].shape[1] % 2 else "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90_000)
        tone = container.add_stream(sound, rate=48_000) if sound else None
        for image, time in zip(frames, times, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 90_000)
            container.mux(stream.encode(frame))
        for number in range(36 if tone else 0):
            wave = np.sin(np.arange(1024 * number, 1024 * (number + 1)) / 20)
            samples = (wave * 9000).astype(np.int16)[np.newaxis] if sound == "pcm_s16le" else wave[np.newaxis] / 3
            kind = "s16" if sound == "pcm_s16le" else "fltp"
            frame = av.AudioFrame.from_ndarray(samples.astype(np.int16 if kind == "s16" else np.float32), kind, "mono")
            frame.sample_rate, frame.pts = 48_000, 1024 * number
            container.mux(tone.encode(frame))
        for each in filter(None, (tone, stream)):
            container.mux(each.encode(None))
    return path


def read(path: Path) -> tuple[list[np.ndarray], list[float]]:
    with av.open(str(path)) as container:
        found = [(frame.to_ndarray(format="rgb24"), frame.time) for frame in container.decode(video=0)]
    return [image for image, _ in found], [time for _, time in found]


def sound_of(path: Path) -> list[tuple]:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        return [(bytes(packet), float(packet.pts * packet.time_base)) for packet in packets]


@pytest.fixture
def segment(segmenter, tmp_path):
    """A function that segments a video into a folder `out`, and returns its overlay's path."""

    def run(path: Path, *, every: int | None = 1, ending: str = ".mp4", **options) -> Path:
        wanted = one.Job(options=Options(**options), every=every)
        outcome = job.run(inputs.find([path]), segmenter, tmp_path / "out", job=wanted, threads=3)
        assert outcome.failed == ()
        return tmp_path / "out" / "overlay" / f"{path.stem}{ending}"

    return run


def test_every_frame_is_there_at_its_time_and_the_sound_is_the_same_bytes(segment, tmp_path):
    source = write(tmp_path / "drive.mp4", pictures())
    made = segment(source)
    (before, times), (after, new_times) = read(source), read(made)
    assert len(after) == len(before) == FRAMES
    assert new_times == times
    assert sound_of(made) == sound_of(source)
    with av.open(str(made)) as container:
        assert container.streams.video[0].average_rate == RATE
        assert container.streams.video[0].codec_context.name == "h264"


def test_again_it_is_the_same_file(segmenter, tmp_path):
    # On a processor with AVX-512, x264 by itself made another file one time in seven.
    (item,) = inputs.find([write(tmp_path / "drive.mp4", pictures())])
    for number in range(25):
        video.make(item, segmenter, tmp_path / f"{number}.mp4", Options(), every=None, threads=3)
    assert len({(tmp_path / f"{number}.mp4").read_bytes() for number in range(25)}) == 1


def test_uneven_times_stay_as_they_are(segment, tmp_path):
    times = [0, 3000, 6100, 6200, 40_000, *range(50_000, 50_000 + 9000 * (FRAMES - 5), 9000)]
    source = write(tmp_path / "drive.mkv", pictures(), times=times)
    assert read(segment(source))[1] == read(source)[1]


@pytest.mark.parametrize("options", [{}, {"opacity": 0.0}, {"opacity": 1.0, "palette": "colorblind"}])
def test_frames_are_the_overlays_of_the_frames(segment, segmenter, tmp_path, options):
    # Labels of whole columns, one pixel wide, would drown in what a video thins out; these are wide.
    plain = segmenter.segment

    def wide(image, **asked):
        found = plain(image, **asked)
        found.labels[:] = np.arange(image.shape[1]) * 8 // image.shape[1]
        return found

    segmenter.segment = wide
    source = write(tmp_path / "drive.mp4", pictures(), sound=None)
    after, _ = read(segment(source, **options))
    for image, made in zip(read(source)[0], after, strict=True):
        wanted = overlay(image, segmenter.segment(image), style(Options(**options)))
        assert np.abs(made.astype(int) - wanted).mean() < 4


def test_sides_that_are_odd_stay(segment, tmp_path):
    source = write(tmp_path / "drive.mkv", pictures((65, 97)), sound=None)
    assert read(segment(source))[0][0].shape == (65, 97, 3)


def test_sound_that_an_mp4_cannot_hold_goes_into_matroska(segment, tmp_path):
    source = write(tmp_path / "drive.mov", pictures(), sound="pcm_s16le")
    made = segment(source, ending=".mkv")
    assert b"".join(data for data, _ in sound_of(made)) == b"".join(data for data, _ in sound_of(source))
    assert len(read(made)[0]) == FRAMES


def test_of_a_video_held_upright_frames_are_upright(segment, tmp_path):
    source = write(tmp_path / "plain.mp4", pictures(), sound=None)
    turned = tmp_path / "phone.mp4"
    with av.open(str(source)) as given, av.open(str(turned), "w") as container:
        stream = container.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
    # The display matrix in the track's header, as telephones write it: a quarter turn (ISO/IEC 14496-12, 8.3.2).
    data = bytearray(turned.read_bytes())
    place = data.index(b"tkhd") + 4 + 4 + 20 + 16
    matrix = [0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30]
    data[place : place + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in matrix)
    turned.write_bytes(data)
    with av.open(str(turned)) as container:
        assert abs(next(container.decode(video=0)).rotation) == 90
    frame = read(segment(turned, opacity=0.0))[0][0]
    assert frame.shape == (96, 64, 3)
    # The matrix turns by a quarter to the right: what was on the left is at the top.
    wanted = np.rot90(read(source)[0][0], -1)
    assert np.abs(frame.astype(int) - wanted).mean() < 4


@pytest.mark.parametrize(("every", "asked"), [(4, 6), (None, 4)])
def test_the_network_sees_each_nth_frame(segment, segmenter, tmp_path, every, asked):
    seen, plain = [], segmenter.segment

    def counted(image, **asked):
        seen.append(image)
        return plain(image, **asked)

    segmenter.segment = counted
    made = segment(write(tmp_path / "drive.mp4", pictures()), every=every)
    assert len(seen) == asked
    assert len(read(made)[0]) == FRAMES


def test_the_table_has_a_row_for_each_frame_and_the_drawing_is_the_same_again(segment, tmp_path):
    source = write(tmp_path / "drive.mp4", pictures())
    segment(source, categories=(1, 4))
    table = tmp_path / "out" / "coverage" / "drive.csv"
    rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8"))))
    assert [int(row["frame"]) for row in rows] == list(range(FRAMES))
    assert [float(row["seconds"]) for row in rows] == pytest.approx(read(source)[1], abs=1e-6)
    assert {(row["width"], row["height"], row["flat"], row["nature"]) for row in rows} == {
        ("96", "64", "0.125", "0.125")
    }
    assert not set(NAMES) - {"flat", "nature"} & set(rows[0])
    drawing = tmp_path / "out" / "coverage" / "drive.svg"
    before = drawing.read_bytes()
    assert b">nature<" in before
    drawing.unlink()
    segment(source, categories=(1, 4))
    assert drawing.read_bytes() == before


def test_a_finished_video_is_not_made_again_and_stands_beside_images(segmenter, photographs, tmp_path):
    write(photographs / "drive.mp4", pictures())
    items = inputs.find([photographs])
    first = job.run(items, segmenter, tmp_path / "out")
    again = job.run(items, segmenter, tmp_path / "out")
    assert (first.made, again.made, again.kept) == (13, 0, 13)


@pytest.mark.parametrize("content", [b"", b"no video", b"\0\0\0\x20ftypisom" + bytes(3000)])
def test_what_is_no_video_fails_by_name_and_stops_no_other(segmenter, tmp_path, content):
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "bad.mp4").write_bytes(content)
    write(folder / "good.mp4", pictures())
    outcome = job.run(inputs.find([folder]), segmenter, tmp_path / "out")
    assert outcome.made == 1
    ((name, reason),) = outcome.failed
    assert name == "bad.mp4"
    assert reason.startswith("bad.mp4 cannot be read as a video: ")


def test_sound_without_pictures_is_no_video(segmenter, tmp_path):
    with av.open(str(tmp_path / "song.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    outcome = job.run(inputs.find([tmp_path / "song.mp4"]), segmenter, tmp_path / "out")
    assert outcome.failed == (("song.mp4", "song.mp4 has no pictures. Expected a video."),)


def test_without_pyav_it_says_what_to_install(segmenter, tmp_path, monkeypatch):
    source = write(tmp_path / "drive.mp4", pictures())
    monkeypatch.setattr("model.inference.batch.video.importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="Videos need PyAV, which is not installed: `pip install av`"):
        job.run(inputs.find([source]), segmenter, tmp_path / "out", job=one.Job(tables=("csv",)))
