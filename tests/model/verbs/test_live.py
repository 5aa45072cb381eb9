"""`python -m model segment CAMERA OUT`: what it keeps, how it is ended, and what is no way to ask."""

from __future__ import annotations

import csv
import re
import signal
import subprocess
import sys
import time
from urllib.request import urlopen

import av
import pytest

from model import artifact
from model.__main__ import main
from model.data import synthetic
from model.inference.live import source
from tests.model.inference.live.camera import Camera, running

needs_network = pytest.mark.skipif(
    not (artifact.DEFAULT_FOLDER / artifact.CARD_FILE).is_file(),
    reason=f"no trained network in {artifact.DEFAULT_FOLDER}",
)


def run(*words) -> int:
    return main(["segment", *map(str, words)])


@pytest.fixture
def film(tmp_path):
    """Five frames of a generated street."""
    path = tmp_path / "street.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 96, 160, "yuv420p"
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(synthetic.scene(103, size=(96, 160))[0], format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@needs_network
def test_a_film_is_seen_live_and_kept(film, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(film, out, "--live", "--view", "0") == 0
    printed = capsys.readouterr()
    assert "of 5 pictures labelled in " in printed.out
    assert "http://localhost:" in printed.err
    (kept,) = (out / "overlay").iterdir()
    assert f"{kept}, {out / 'coverage' / kept.stem}.csv" in printed.out
    assert kept.name.startswith("street-2")
    with (out / "coverage" / f"{kept.stem}.csv").open(newline="") as file, av.open(str(kept)) as container:
        assert len(list(csv.reader(file))) == 1 + len(list(container.decode(video=0)))


@needs_network
def test_ctrl_c_ends_it_well(tmp_path, repository):
    street = synthetic.scene(103, size=(96, 160))[0]
    words = [sys.executable, "-m", "model", "segment"]
    with running(Camera([[street] * 400])) as address:
        command = [*words, address, str(tmp_path), "--view", "127.0.0.1:0", "--seconds", "100"]
        with subprocess.Popen(
            command, cwd=repository, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as live:
            view = live.stderr.readline().partition(": Ctrl-C")[0]
            # Its first picture is there once the page has one.
            with urlopen(view + "picture", timeout=60) as answer:
                assert answer.headers["Content-Type"] == "image/jpeg"
            live.send_signal(signal.SIGINT)
            out, errors = live.communicate(timeout=60)
    assert live.returncode == 0, errors
    assert " pictures labelled in " in out
    (film,) = (tmp_path / "overlay").iterdir()
    with av.open(str(film)) as container:
        # Only a film that was given its end knows how long it is.
        assert container.duration is not None
        assert len(list(container.decode(video=0))) >= 1


@needs_network
def test_a_stream_that_does_not_come_back_ends_it_with_what_was_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(source, "_PAUSES", ())
    street = synthetic.scene(103, size=(96, 160))[0]
    with running(Camera([[street] * 20 + [None]])) as address:
        assert run(address, tmp_path) == 1
    printed = capsys.readouterr()
    assert " pictures labelled in " in printed.out
    assert re.search("/video (has ended|cannot be read).* Expected a", printed.err)
    assert len(list((tmp_path / "overlay").iterdir())) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["camera", "rtsp://gate", "out"], "Received camera beside other inputs. Expected one camera or stream alone."),
        (["camera", "-"], "Received - as the folder of answers, and no --view. Expected one of both"),
        (["street.png", "-"], "Received - as the folder of answers. Expected a folder: only live pictures go nowhere."),
        (["camera", "s3://bucket/out"], "Received s3://bucket/out for live pictures. Expected a folder on a disk"),
        (["street.png", "out", "--view", "8001"], "--view goes with a camera or a stream. Expected one, or a film and"),
        (["street.png", "out", "--seconds", "9"], "--seconds goes with a camera or a stream. Expected one"),
        (["camera:63", "-", "--view", "0"], "camera:63 gives no picture. Expected a camera that is plugged in"),
        (["missing.mp4", "-", "--view", "0", "--live"], "missing.mp4 cannot be read: No such file or directory."),
    ],
)
@needs_network
def test_what_is_no_way_to_ask(words, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(*words, "--artifact", artifact.DEFAULT_FOLDER.resolve()) == 2
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("word", ["0", "-1", "soon", "inf", "nan"])
def test_a_time_that_is_none(word, capsys):
    with pytest.raises(SystemExit):
        run("camera", "out", f"--seconds={word}")
    assert f"received '{word}'. Expected a number of seconds above 0" in capsys.readouterr().err


def test_sigterm_ends_it_as_well(monkeypatch):
    from model.verbs.live import _stopped

    with _stopped() as stopped:
        signal.raise_signal(signal.SIGTERM)
        deadline = time.monotonic() + 10
        while not stopped.is_set() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert stopped.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
