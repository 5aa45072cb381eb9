"""Learning what streets look like, with a network that answers with what a picture's colours say."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model import __main__, artifact
from model.artifact import Artifact
from model.categories import PALETTE
from model.data.samples import Example, Sample
from model.inference.familiarity import LEAST
from model.inference.segmenter import Segmenter
from model.training import familiarity


class ColorEngine:
    """Calls each pixel by the category whose colour is nearest, quite surely."""

    name = "color"
    precision = "f32"

    @contextmanager
    def planes(self, image):
        distances = np.linalg.norm(image[:, :, None].astype(np.float32) - PALETTE.astype(np.float32), axis=-1)
        odds = np.exp(-distances / 20)
        yield np.ascontiguousarray((odds / odds.sum(axis=-1, keepdims=True)).transpose(2, 0, 1), np.float32)


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    card = artifact.describe(size=(32, 64), mean=0.0, std=1.0) | {"name": "color", "keras_sha256": "0" * 64}
    return Segmenter(Artifact(Path(), card), ColorEngine())


def _street(seed: int, size: tuple[int, int] = (48, 96)) -> Example:
    """Sky over houses over the road, with a car on it."""
    random = np.random.default_rng(seed)
    labels = np.full(size, 5, np.uint8)
    labels[round(size[0] * random.uniform(0.2, 0.35)) :] = 2
    labels[round(size[0] * random.uniform(0.5, 0.65)) :] = 1
    left = int(random.integers(0, size[1] // 2))
    labels[size[0] // 2 : round(0.75 * size[0]), left : left + size[1] // 4] = 7
    return Example(PALETTE[labels], labels, np.ones(size, bool))


def _samples(seeds: range) -> list[Sample]:
    return [Sample(str(seed), None, None, lambda seed=seed: _street(seed)) for seed in seeds]


@pytest.fixture(scope="module")
def known(segmenter):
    return familiarity.learn(segmenter, _samples(range(60)), _samples(range(100, 130)))


def test_streets_are_familiar_and_strangers_are_not(segmenter, known):
    streets = familiarity.of_samples(segmenter, known, _samples(range(200, 240)))
    random = np.random.default_rng(0)
    pictures = [np.ascontiguousarray(_street(seed).image[::-1]) for seed in range(300, 320)]
    pictures += [random.integers(0, 256, (50, 70, 3), np.uint8) for _ in range(20)]
    strange = np.array([known.share(familiarity._strangeness(segmenter, known, picture)) for picture in pictures])
    assert np.mean([known.share(each) < LEAST for each in streets]) <= 0.1
    assert np.mean(strange < LEAST) >= 0.9


def test_of_held_out_streets_as_many_are_below_a_share_as_it_says(segmenter, known):
    descriptions = familiarity._descriptions(segmenter, _samples(range(100, 130)), familiarity._streets, 1)
    shares = np.array([known.share(known.weights @ each + known.bias) for each in descriptions])
    assert len(shares) == 90
    for share in (0.1, 0.25, 0.5, 0.9):
        assert np.mean(shares < share) == pytest.approx(share, abs=0.02)


def test_equal_seeds_learn_the_same(segmenter):
    learnt = [
        familiarity.learn(segmenter, _samples(range(6)), _samples(range(100, 103)), seed=seed) for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(learnt[0].weights, learnt[1].weights)
    np.testing.assert_array_equal(learnt[0].known, learnt[1].known)
    assert (learnt[0].weights != learnt[2].weights).any()


def test_without_streets_nothing_is_learnt(segmenter):
    with pytest.raises(ValueError, match=r"Received 0 streets to learn from and 1 others\. Expected some of each"):
        familiarity.learn(segmenter, [], _samples(range(1)))


def test_a_measure_by_hand(known):
    # Beyond the strangest known street, between the others, and less strange than all.
    strangest, least = known.known[-1], known.known[0]
    found = familiarity.measure(
        known, np.array([strangest + 1, strangest + 2, least - 1]), streets=np.array([least - 2, least - 0.5])
    )
    # Of six pairs, five have the stranger in the first place.
    assert found == {"images": 3, "warned": pytest.approx(2 / 3), "auroc": pytest.approx(5 / 6)}
    assert familiarity.measure(known, np.array([least]))["auroc"] is None


def test_views_are_windows_of_the_photograph():
    example = _street(0, size=(60, 120))
    random = np.random.default_rng(0)
    views = [familiarity.view(example, random) for _ in range(30)]
    assert all(view.dtype == np.uint8 and 36 <= view.shape[0] <= 60 and view.shape[1] <= 120 for view in views)
    assert len({view.shape for view in views}) > 20
    tiny = Example(np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), np.uint8), np.ones((1, 1), bool))
    assert familiarity.view(tiny, random).shape == (1, 1, 3)


@pytest.fixture
def asked(monkeypatch, tmp_path, segmenter):
    """A function that runs the verb on an artifact in a folder, and gives its card; streets are drawn ones."""
    folder = tmp_path / "artifact"
    folder.mkdir()
    card = segmenter.artifact.card | {
        "training": {"settings": {"data": []}, "history": [], "samples": 0, "backend": "", "keras": ""},
        "scores": {},
        "terms": {},
    }
    artifact.write_card(folder, card)
    (folder / "color.keras").touch()
    monkeypatch.setattr(
        "model.inference.segmenter.load", lambda *_, **__: Segmenter(artifact.read(folder), ColorEngine())
    )
    opened = {"train": _samples(range(20)), "val": _samples(range(100, 110))}
    monkeypatch.setattr("model.data.datasets.open_samples", lambda _, split: opened[split])
    monkeypatch.setattr("model.training.card.training_section", lambda _: "")

    def ask(*words: str) -> tuple[int, dict]:
        status = __main__.main(["familiarity", "--artifact", str(folder), "--val-data", "streets", *words])
        return status, artifact.read(folder).card

    ask.folder = folder
    return ask


def test_the_verb_learns_measures_and_writes_the_card(asked, tmp_path, capsys):
    pictures = tmp_path / "pictures" / "deep"
    pictures.mkdir(parents=True)
    random = np.random.default_rng(0)
    for number in range(3):
        Image.fromarray(random.integers(0, 256, (40, 40, 3), np.uint8)).save(pictures / f"{number}.png")
    (pictures / "broken.jpg").write_bytes(b"no picture")
    (pictures / "notes.txt").write_text("not looked at")
    status, card = asked("--data", "streets", "--measure", f"noise={pictures.parent}")
    assert status == 0
    told = capsys.readouterr().out
    assert "noise" in told
    assert "broken.jpg is no picture that the service takes; left out" in told
    measured = card["familiarity"]["measured"]
    assert measured["noise"] == {"images": 3, "warned": 1.0, "auroc": 1.0}
    assert measured["streets"]["images"] == 10
    assert card["familiarity"]["about"]["samples"] == 20
    assert "python -m model familiarity --data streets --val-data streets" in card["familiarity"]["about"]["command"]
    assert "| noise | 3 | 100.0% | 1.0000 |" in (asked.folder / "card.md").read_text("utf-8")
    # Once learnt, more is measured without learning again.
    status, again = asked("--measure", f"again={pictures}")
    assert status == 0
    assert again["familiarity"]["weights"] == card["familiarity"]["weights"]
    assert set(again["familiarity"]["measured"]) == {"streets", "noise", "again"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "Received neither --data nor --measure. Expected"),
        (["--measure", "nowhere=/no/such/folder"], "Expected NAME=DIR with a folder that is there"),
        (["--measure", "{}"], "Expected NAME=DIR with a folder that is there"),
        (["--measure", "empty={}"], "was not taught yet. Expected --data"),
        (["--data", "streets", "--measure", "empty={}"], "holds no picture. Expected files that end in .jpg"),
    ],
)
def test_what_the_verb_refuses(words, expected, asked, tmp_path, capsys):
    before = json.dumps(artifact.read(asked.folder).card)
    empty = tmp_path / "empty"
    empty.mkdir()
    status, card = asked(*(word.format(empty) for word in words))
    assert status == 2
    assert expected in capsys.readouterr().err
    assert json.dumps(card) == before
