"""What was seen live, kept: times, sizes, colours, and what a kill leaves."""

from __future__ import annotations

import csv
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import pytest

from model.categories import NAMES, PALETTE
from model.inference.live import recorder
from model.inference.live.recorder import Recorded, Recorder
from tests.model.inference.live.camera import number_of, picture

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ROW = {"width": 64, "height": 48, "mean_confidence": 0.5} | dict.fromkeys(NAMES, 0.125)


def seen(number: int, seconds: float, size=(48, 64)) -> Recorded:
    return Recorded(number, NOON + timedelta(seconds=seconds), seconds, picture(number, size), ROW)


def read(path: Path) -> list[tuple[int, float]]:
    """The number of each picture of a film, and when it is shown."""
    with av.open(str(path)) as container:
        return [(number_of(frame.to_ndarray(format="rgb24")), frame.time) for frame in container.decode(video=0)]


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_pictures_keep_the_times_at_which_they_came(tmp_path):
    times = [0.0, 0.04, 0.3, 0.3, 7.5]
    with Recorder(tmp_path, "gate", palette=PALETTE) as kept:
        for number, seconds in enumerate(times, 1):
            kept.add(seen(2 * number, seconds))
    film = read(tmp_path / "overlay" / "gate.mkv")
    assert [number for number, _ in film] == [2, 4, 6, 8, 10]
    # Two of one moment are shown a millisecond apart.
    assert [time for _, time in film] == pytest.approx([0, 0.04, 0.3, 0.301, 7.5], abs=1e-6)
    head, first, *_, last = rows(tmp_path / "coverage" / "gate.csv")
    assert head == ["frame", "seconds", "time", *ROW]
    assert first[:3] == ["2", "0.0", "2026-06-01T12:00:00.000Z"]
    assert last[:3] == ["10", "7.5", "2026-06-01T12:00:07.500Z"]
    assert (tmp_path / "coverage" / "gate.svg").read_text().startswith("<?xml")


def test_pictures_of_another_size_make_another_film(tmp_path):
    with Recorder(tmp_path, "gate", palette=PALETTE) as kept:
        for number, size in ((1, (48, 64)), (2, (48, 64)), (3, (33, 51)), (4, (48, 64))):
            kept.add(seen(number, number, size))
    films = sorted((tmp_path / "overlay").iterdir())
    assert [path.name for path in films] == ["gate-2.mkv", "gate-3.mkv", "gate.mkv"]
    assert [number for path in (films[2], films[0], films[1]) for number, _ in read(path)] == [1, 2, 3, 4]
    assert len(rows(tmp_path / "coverage" / "gate.csv")) == 5


def test_what_is_there_is_not_touched(tmp_path):
    for _ in range(3):
        with Recorder(tmp_path, "gate", palette=PALETTE) as kept:
            kept.add(seen(1, 0))
    names = sorted(path.stem for path in (tmp_path / "overlay").iterdir())
    assert names == ["gate", "gate-again-2", "gate-again-3"]


def test_nothing_leaves_no_file(tmp_path):
    with Recorder(tmp_path, "gate", palette=PALETTE):
        pass
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_drawing_of_a_long_day_stays_small(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "_POINTS", 10)
    drawn = []
    monkeypatch.setattr(recorder.timeline, "drawing", lambda frames, **about: drawn.extend(frames) or b"<svg/>")
    with Recorder(tmp_path, "gate", palette=PALETTE) as kept:
        for number in range(100):
            kept.add(seen(number % 20, number))
    assert [frame.time for frame in drawn] == list(range(0, 100, 16))


KILLED = """
import os, signal
from datetime import UTC, datetime
from pathlib import Path
import sys
from model.categories import PALETTE
from tests.model.inference.live.test_recorder import Recorder, seen
kept = Recorder(Path(sys.argv[1]), "gate", palette=PALETTE).__enter__()
for number in range(200):
    kept.add(seen(number % 20 + 1, number / 10))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_leaves_a_film_that_plays_and_a_table_up_to_the_last_seconds(tmp_path, repository):
    words = [sys.executable, "-c", KILLED, str(tmp_path)]
    ended = subprocess.run(words, cwd=repository, check=False, capture_output=True, text=True, timeout=120)
    assert ended.returncode == -9, ended.stderr
    film = read(tmp_path / "overlay" / "gate.mkv")
    assert [number for number, _ in film] == [number % 20 + 1 for number in range(len(film))]
    # Of 20 seconds.
    assert film[-1][1] > 12
    table = rows(tmp_path / "coverage" / "gate.csv")
    assert len(table) > 180
    assert {len(row) for row in table[:-1]} == {3 + len(ROW)}
