"""Settings: what a card prints gives them again, and what an earlier version wrote is understood."""

from __future__ import annotations

import argparse
import json
import shlex
from dataclasses import asdict, fields

import pytest

from model import artifact
from model.data import augmentation
from model.networks import registry
from model.training import losses, weighting
from model.training.card import markdown
from model.training.settings import PRECISIONS, Settings, claim, flags, modern
from model.verbs import train

EVERY_FLAG = [
    *("--data", "camvid", "--val-data", "a folder", "--validation-images", "7", "--crop-height", "64"),
    *("--augmentation", "strong", "--min-scale", "0.5", "--max-scale", "1.5", "--rare-share", "0.25"),
    *("--weather-share", "0", "--night-share", "0.1"),
    *("--network", "deeplabv3plus", "--encoder-weights", "imagenet", "--freeze-encoder-batch-norm"),
    *("--label-offset", "a folder=0.47", "--label-offset", "camvid=-1"),
    *("--initial-weights", "runs/a b", "--teacher", "runs/c", "--teacher", "runs/d e", "--distillation", "0.5"),
    *("--loss", "focal(gamma=2) + 0.5 * lovasz", "--category-weights", "enet", "--epochs", "3"),
    *("--epoch-images", "100", "--accumulate", "2", "--learning-rate", "1e-05", "--warm-up", "0"),
    *("--weight-decay", "0", "--ema", "0.9", "--patience", "5", "--precision", "mixed_bfloat16", "--seed", "3"),
]


# Of the first network that was shipped, before networks, losses and augmentations could be named.
FIRST = {
    **{"data": ["../shared/data/cityscapes", "../shared/data/camvid"], "validation": "../shared/data/cityscapes"},
    **{"encoder_weights": "mobilenet_v2.weights.h5", "freeze_encoder_batch_norm": True, "height": 320, "width": 640},
    **{"crop_height": 256, "crop_width": 448, "min_scale": 0.75, "max_scale": 1.75, "epochs": 20, "batch_size": 8},
    **{"learning_rate": 0.0006, "warm_up": 0.05, "weight_decay": 0.02, "ema": 0.998, "dice": 0.5, "seed": 1},
}


def parsed(words: list[str]) -> Settings:
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    return train.settings(parser.parse_args(words))


def printed(text: str) -> list[str]:
    """The words behind `python -m model train` in a card."""
    command = text.split("```sh\npython -m model train ")[1].split("\n```")[0]
    return shlex.split(command.replace("\\\n", " "))


@pytest.mark.parametrize("words", [[], EVERY_FLAG], ids=["default", "every"])
def test_the_command_in_the_card_gives_the_same_settings(words, settings_of, tmp_path):
    settings = settings_of(*words)
    as_written = json.loads(json.dumps(asdict(settings)))
    card = artifact.read(artifact.DEFAULT_FOLDER).card
    # The shipped one tells of its members' runs, each as it tells of one.
    run = card["training"]["members"][0]["training"]
    card |= {"training": run | {"settings": as_written}}
    assert parsed(printed(markdown(artifact.Artifact(tmp_path, card)))) == settings


def test_every_flag_was_tried_away_from_its_default(settings_of):
    default, changed = asdict(settings_of()), asdict(settings_of(*EVERY_FLAG))
    # Sizes and the batch are those that make tests small, in both.
    same = {name for name in default if default[name] == changed[name]}
    assert same == {"height", "width", "crop_width", "batch_size"}


def test_the_command_of_the_first_network_is_one_of_today():
    settings = parsed([word for flag in flags(FIRST) for word in shlex.split(flag)])
    assert (settings.network, settings.loss, settings.scale) == ("mobilenetv2_unet", "cross_entropy+0.5*dice", None)
    assert (settings.augmentation, settings.epochs) == ("standard", 20)


def test_the_shipped_card_s_commands_are_of_today():
    training = artifact.read(artifact.DEFAULT_FOLDER).card["training"]
    for run in (training, *training.get("before", [])):
        parsed([word for flag in flags(run["settings"]) for word in shlex.split(flag)])


def test_settings_of_before_there_were_names_mean_what_they_meant():
    old = {"data": ["x"], "dice": 0.5, "min_scale": 0.75, "max_scale": 1.75}
    assert modern(old)["loss"] == "cross_entropy+0.5*dice"
    assert "dice" not in modern(old)
    assert modern(old | {"dice": 0.0})["loss"] == "cross_entropy"
    # The preset has the sizes that were the default; others were chosen.
    assert (modern(old)["min_scale"], modern(old)["max_scale"]) == (None, None)
    assert modern(old | {"min_scale": 0.5})["min_scale"] == 0.5
    assert set(modern(FIRST)) == {field.name for field in fields(Settings)}


def test_what_is_written_today_stays_as_it_is(settings_of):
    now = json.loads(json.dumps(asdict(settings_of("--min-scale", "0.75", "--max-scale", "1.75"))))
    assert modern(now) == now


def test_a_run_of_an_earlier_version_goes_on_with_the_flags_of_today(settings_of, tmp_path):
    settings = settings_of()
    old = {k: v for k, v in json.loads(json.dumps(asdict(settings))).items() if k in FIRST}
    old |= {"dice": 0.5, "min_scale": 0.75, "max_scale": 1.75}
    (tmp_path / "settings.json").write_text(json.dumps(old))
    claim(tmp_path, settings, begun=True)
    with pytest.raises(ValueError, match=r"loss 'cross_entropy\+0.5\*dice', now 'dice'"):
        claim(tmp_path, settings_of("--loss", "dice"), begun=True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--network", "resnet"], "--network is resnet. Expected one of fcn8s, segnet, unet"),
        (["--network", "unet", "--encoder-weights", "imagenet"], "--encoder-weights is imagenet. Expected none"),
        (["--network", "unet", "--freeze-encoder-batch-norm"], "--freeze-encoder-batch-norm is True. Expected False"),
        (["--min-scale", "2", "--max-scale", "1"], "--min-scale is 2.0. Expected above 0 and at most --max-scale 1.0"),
        (["--max-scale", "1"], "--min-scale is None. Expected a number beside --max-scale 1.0, or neither"),
        (["--rare-share", "2"], "--rare-share is 2.0. Expected 0 to 1"),
        (["--weather-share", "-1"], "--weather-share is -1.0. Expected 0 to 1"),
        (["--night-share", "2"], "--night-share is 2.0. Expected 0 to 1"),
        (["--label-offset", "x=1"], "--label-offset is x=1. Expected DATA=PIXELS, DATA one of "),
        (["--label-offset", "1"], "--label-offset is 1. Expected DATA=PIXELS, DATA one of "),
        (["--label-offset", "synthetic=far"], "--label-offset is synthetic=far. Expected DATA=PIXELS, such as"),
        (["--distillation", "-1"], "--distillation is -1.0. Expected at least 0"),
        (["--patience", "-1"], "--patience is -1. Expected at least 0"),
        (["--precision", "float64"], "--precision is float64. Expected one of float32, mixed_float16"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(words, says, settings_of):
    with pytest.raises(ValueError, match=r"^--") as refusal:
        settings_of(*words)
    assert str(refusal.value).startswith(says)


def test_the_help_names_all_that_can_be_chosen():
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    text = " ".join(action.help for action in parser._actions)
    names = (*registry.NAMES, *losses.NAMES, *augmentation.PRESETS, *weighting.SCHEMES, *PRECISIONS)
    assert [name for name in names if name not in text] == []
