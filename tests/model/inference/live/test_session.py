"""From a camera to those who look and to files: the newest picture, its figures, and when it ends."""

from __future__ import annotations

import time

import numpy as np
import pytest

from model.categories import PALETTE
from model.inference.live.session import Figures, Session
from model.inference.live.source import Picture
from model.inference.live.viewer import Board
from model.inference.options import Options
from model.inference.render import overlay
from model.inference.representations import style
from tests.app.clients import FakeSegmenter
from tests.model.inference.live.camera import picture


class Script:
    """A source that has given `numbers[n]` pictures when it is asked for the n-th time."""

    def __init__(self, numbers: list[int]) -> None:
        self._numbers = list(numbers)

    def newest(self, *, after: int, patience: float) -> Picture | None:
        if not self._numbers or self._numbers[0] == after:
            self._numbers[:1] = []
            return None
        number = self._numbers.pop(0)
        return Picture(number, time.monotonic(), lambda: picture(number % 20))

    @property
    def has_ended(self) -> bool:
        return not self._numbers


class Keeper:
    """Keeps what a recorder is given."""

    def __init__(self) -> None:
        self.kept = []

    def add(self, recorded) -> None:
        self.kept.append(recorded)


@pytest.fixture
def board():
    return Board()


def session(board=None, recorder=None, **options) -> Session:
    return Session(FakeSegmenter(), Options(**options), title="rtsp://gate", board=board, recorder=recorder)


def test_what_was_skipped_is_counted(board):
    heard = []
    figures = session(board).run(Script([1, 9, 9, 10]), say=heard.append)
    assert (figures.labelled, figures.came, figures.dropped) == (3, 10, 0.7)
    assert [each.labelled for each in heard] == [1, 2, 3]
    assert board.figures["dropped"] == 0.7
    assert board.figures["source"] == "rtsp://gate"


def test_nothing_came():
    assert session().run(Script([])) == Figures()
    assert Figures().dropped == 0


def test_the_overlay_is_that_of_an_image(board):
    keeper = Keeper()
    session(board, keeper, opacity=0.25, palette="colorblind").run(Script([4]))
    (kept,) = keeper.kept
    expected = overlay(
        picture(4), FakeSegmenter().segment(picture(4)), style(Options(opacity=0.25, palette="colorblind"))
    )
    np.testing.assert_array_equal(kept.overlay, expected)
    assert (kept.number, kept.seconds) == (4, 0)
    assert kept.record["flat"] == 8 / 64
    assert next(each for each in board.figures["shares"] if each["name"] == "flat")["share"] == 8 / 64


def test_blurred_people_are_blurred_live_too():
    keeper = Keeper()

    class Streets(Script):
        def newest(self, *, after, patience):
            found = super().newest(after=after, patience=patience)
            checks = np.indices((48, 64)).sum(0) % 2 * 255
            return found and found._replace(image=lambda: np.dstack([checks.astype(np.uint8)] * 3))

    session(None, keeper, opacity=0.0, blur=(0, 1, 2, 3, 4, 5, 6, 7)).run(Streets([1]))
    assert keeper.kept[0].overlay.min() > 100
    assert keeper.kept[0].overlay.max() < 160


def test_only_chosen_categories_are_shown(board):
    session(board, categories=(4, 5)).run(Script([1]))
    assert [(each["name"], each["color"]) for each in board.figures["shares"]] == [
        ("nature", "#{:02x}{:02x}{:02x}".format(*PALETTE[4])),
        ("sky", "#{:02x}{:02x}{:02x}".format(*PALETTE[5])),
    ]


def test_it_ends_when_it_is_told_to():
    asked = iter([False, False, True])
    figures = session().run(Script(list(range(1, 100))), stopped=lambda: next(asked))
    assert figures.labelled == 2


def test_it_ends_when_its_time_is_over(monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    assert 1 <= session().run(Script(list(range(1, 100))), seconds=20).labelled < 20
