"""The newest picture of a camera, whatever it does: hurry, break off, stay silent, not be there."""

from __future__ import annotations

import socket
from types import SimpleNamespace

import av
import pytest

from model.inference.live import source
from model.inference.live.source import LiveError, Source
from tests.model.inference.live.camera import Camera, number_of, picture, running

PATIENCE = 20.0


def wait_for(watched: Source, count: int) -> None:
    """Wait until that many pictures have come."""
    assert watched.newest(after=count - 1, patience=PATIENCE), f"{watched.count} of {count} pictures came"


def test_who_is_slow_misses_pictures_and_gets_the_newest():
    # FFmpeg keeps the first picture of a connection to itself.
    with running(Camera([[picture(number) for number in range(11)]])) as address, Source(address) as watched:
        wait_for(watched, 10)
        newest = watched.newest(after=0, patience=0)
        assert (newest.number, number_of(newest.image())) == (10, 10)
        # None is given twice.
        assert watched.newest(after=10, patience=0) is None
        assert not watched.has_ended


def test_a_stream_that_breaks_off_is_reached_again(monkeypatch):
    monkeypatch.setattr(source, "_PAUSES", (0.01, 0.01))
    camera = Camera([[picture(number) for number in range(4)] + [None], [picture(number) for number in (3, 4, 5)]])
    with running(camera) as address, Source(address) as watched:
        wait_for(watched, 5)
        assert number_of(watched.newest(after=0, patience=0).image()) == 5
    assert camera.visited == 2


def test_one_that_does_not_come_back_is_given_up(monkeypatch):
    monkeypatch.setattr(source, "_PAUSES", (0.01, 0.01))
    camera = Camera([[picture(0), picture(1), picture(2), None], [None]])
    with running(camera) as address, Source(address) as watched:
        wait_for(watched, 2)
        with pytest.raises(LiveError, match=r"video (cannot be read|has ended)"):
            watched.newest(after=2, patience=PATIENCE)
        assert watched.has_ended
    assert camera.visited == 3


def test_one_that_falls_silent_is_asked_again(monkeypatch):
    monkeypatch.setattr(source, "_PAUSES", (0.01, 0.01))
    monkeypatch.setattr(source, "_PATIENCE", 0.5)
    camera = Camera([[picture(number) for number in range(6)]])
    with running(camera) as address, Source(address) as watched:
        wait_for(watched, 6)
    assert camera.visited == 2


def test_a_stream_that_is_silent_from_the_start_is_an_error(monkeypatch):
    monkeypatch.setattr(source, "_PATIENCE", 0.5)
    silent = pytest.raises(LiveError, match=r"cannot be read: nothing came for 0 s\. Expected")
    with running(Camera([[]])) as address, Source(address) as watched, silent:
        watched.newest(after=0, patience=PATIENCE)


def test_a_stream_that_is_not_there_is_an_error_without_its_password():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Source(f"http://someone:secret@127.0.0.1:{port}/video") as watched, pytest.raises(LiveError) as refused:
        watched.newest(after=0, patience=PATIENCE)
    assert str(refused.value).startswith(f"http://127.0.0.1:{port}/video cannot be read: Connection refused. Expected")


def test_a_camera_that_is_not_there_is_an_error():
    with Source("camera:63") as watched, pytest.raises(LiveError, match=r"camera:63 gives no picture\. Expected a cam"):
        watched.newest(after=0, patience=PATIENCE)


def test_sound_alone_is_an_error(tmp_path):
    path = tmp_path / "tone.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=800)
        frame.sample_rate, frame.pts = 8000, 0
        container.mux(stream.encode(frame))
    with Source(str(path)) as watched, pytest.raises(LiveError, match=r"has no pictures\. Expected a video"):
        watched.newest(after=0, patience=PATIENCE)


def test_a_film_is_played_at_its_own_speed_to_its_end(tmp_path, monkeypatch):
    path, slept = tmp_path / "film.mkv", []
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "10"})
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        for number in range(1, 11):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="rgb24")))
        container.mux(stream.encode(None))
    monkeypatch.setattr(source, "time", SimpleNamespace(sleep=slept.append, monotonic=lambda: 5.0))
    with Source(str(path)) as watched:
        wait_for(watched, 10)
        assert watched.newest(after=10, patience=PATIENCE) is None
        assert watched.has_ended
        assert number_of(watched.newest(after=0, patience=0).image()) == 10
    assert slept == pytest.approx([number / 25 for number in range(10)])


@pytest.mark.parametrize(
    ("word", "named"),
    [
        ("camera", "camera"),
        ("camera:2", "camera-2"),
        ("/dev/video0", "video0"),
        ("rtsp://me:pass@10.0.0.7:554/ch1?token=secret", "10.0.0.7-554-ch1"),
        ("HTTP://cam.local/video", "cam.local-video"),
        ("http://cam.local/video.mjpg?fps=5", "cam.local-video.mjpg"),
        ("http://cam.local/video#t=5", "cam.local-video"),
        ("udp://@:5000", "5000"),
    ],
)
def test_cameras_and_streams_are_known_and_named(word, named):
    assert source.is_live(word)
    assert source.name(word) == named


@pytest.mark.parametrize(
    "word",
    [
        "drive.mp4",
        "camera.mp4",
        "cameras",
        "folder",
        "s3://bucket/folder",
        "/dev/null",
        "https://a.org/b.JPG?c",
        "http://a.org/b.mp4",
        "http://a.org/b.mp4#t=10,20",
        "http://a.org/b.mp4?c=d.e#t=10",
    ],
)
def test_what_is_no_camera(word):
    assert not source.is_live(word)


def test_a_film_is_named_like_its_file():
    assert source.name("drives/monday 1.mp4") == "monday-1"
