"""The mean of several networks: its weights, its batch norms, its card, and what is refused."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from model import artifact
from model.__main__ import main
from model.training.mixing import mix
from model.training.train import train


@pytest.fixture
def two(settings_of, small_networks, tmp_path) -> list:
    """A network, and what became of it when it was trained further."""

    def run(name: str, *words: str):
        settings = settings_of("--epochs", "1", "--learning-rate", "0.01", *words)
        return train(settings, run_folder=tmp_path / name, artifact_folder=tmp_path / f"{name}-out")

    first = run("first")
    return [first, run("second", "--initial-weights", str(first.folder), "--seed", "2")]


def weights_of(found, kind: str) -> list[np.ndarray]:
    network = keras.saving.load_model(found.keras_path, compile=False)
    return [np.asarray(weight) for weight in network.weights if weight.path.endswith(kind)]


def test_weights_are_the_mean_and_batch_norms_are_its_own(two, tmp_path, capsys):
    first, second = two
    words = ["average", str(second.folder), str(first.folder), "--shares", "3,1", "--out", str(tmp_path / "mean")]
    assert main(words) == 0
    made = artifact.read(tmp_path / "mean")
    assert f"wrote {tmp_path / 'mean'} ({made.version})" in capsys.readouterr().out
    # The last kernel is divided by the temperature that fits the mean.
    for ours, *theirs in list(zip(*(weights_of(each, "/kernel") for each in (made, second, first)), strict=True))[:-1]:
        np.testing.assert_allclose(ours, 0.75 * theirs[0] + 0.25 * theirs[1], atol=1e-6)
    apart = [
        np.abs(ours - (0.75 * theirs[0] + 0.25 * theirs[1])).max()
        for ours, *theirs in zip(*(weights_of(each, "/moving_mean") for each in (made, second, first)), strict=True)
    ]
    assert max(apart) > 1e-4
    training = made.card["training"]
    assert training["averaged"] == [
        {"version": second.version, "share": 0.75},
        {"version": first.version, "share": 0.25},
    ]
    assert training["begun_with"] == first.version
    text = (made.folder / "card.md").read_text("utf-8")
    assert f"the mean of those of `{second.version}` (75 %), `{first.version}` (25 %)" in text


def test_with_other_shares_it_is_made_anew(two, tmp_path):
    folders = [each.folder for each in two]
    made = [mix(folders, shares, artifact_folder=tmp_path / "mean").version for shares in ([1, 1], [1, 2], [2, 4])]
    assert made[0] != made[1]
    assert made[1] == made[2]


@pytest.mark.parametrize(
    ("shares", "out", "says"),
    [
        ("1", "mean", "shares 1 for 2 artifacts. Expected a number above 0 for each"),
        ("1,0", "mean", "shares 1, 0 for 2 artifacts"),
        ("1,nan", "mean", "Expected a number above 0"),
        ("1,1", "a", "a is one of those that the mean is taken of. Expected another folder"),
    ],
)
def test_what_makes_no_mean_is_refused(shares, out, says, tmp_path, capsys):
    folders = [str(tmp_path / name) for name in ("a", "b")]
    assert main(["average", *folders, "--shares", shares, "--out", str(tmp_path / out)]) == 2
    assert says in capsys.readouterr().err


def test_one_network_has_no_mean(tmp_path, capsys):
    assert main(["average", str(tmp_path), "--out", str(tmp_path / "mean")]) == 2
    assert "Received 1 artifact. Expected two and more" in capsys.readouterr().err


def test_shares_that_are_no_numbers_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["average", "a", "b", "--shares", "half", "--out", "c"])
    assert "received 'half', expected numbers such as 0.4,0.6" in capsys.readouterr().err
