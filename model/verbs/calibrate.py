"""`python -m model calibrate`: an artifact and images that it was not trained on in, a confidence that holds out."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from model import artifact
from model.data.datasets import SYNTHETIC
from model.verbs.flags import Once

HELP = "divide a network's logits by the temperature that makes its confidence true; train does it by itself"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's flags to its parser."""
    add = parser.add_argument
    add("--artifact", type=Path, default=artifact.DEFAULT_FOLDER, help="folder of the network, which is changed")
    # No default: a network of real streets must not be fitted to drawn ones because a flag was forgotten.
    add("--data", action=Once, required=True, help=f"data set folder, or {SYNTHETIC!r}")
    add("--split", default="val", help="split of it; never one that the network was trained on")


def run(options: argparse.Namespace) -> None:
    """Calibrate the artifact, and say what that changed and what has to be made anew."""
    from model.data.datasets import open_samples
    from model.data.samples import check
    from model.training.calibrating import calibrate

    found = artifact.read(options.artifact)
    samples = open_samples(options.data, options.split)
    check(samples)
    about = {"data": options.data, "split": options.split, "command": _command(options)}
    made = calibrate(found, samples, about=about)
    if made.version == found.version:
        print(f"{found.version} has the temperature that fits already; nothing was written")
        return
    print(_summary(made.card["calibration"]))
    print(
        f"wrote {made.keras_path} ({made.version}) and its card. What was made of {found.version} is refused now: make "
        f"it anew by `{_words('export', options)}`, with --data for int8, and score it by evaluate."
    )


def _summary(fitted: dict) -> str:
    before, after = fitted["before"], fitted["after"]
    near = [_percent(each["calibration"]["near"]["accuracy"]) for each in (before, after)]
    return (
        f"temperature {fitted['temperature']:.4f}, on {fitted['pixels']:,} pixels of {fitted['images']} images: "
        f"negative log likelihood {before['nll']:.5f} -> {after['nll']:.5f}, calibration error "
        f"{_percent(before['calibration_error'])} -> {_percent(after['calibration_error'])}, right where it is 85 to "
        f"95 % sure {near[0]} -> {near[1]}"
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"


def _command(options: argparse.Namespace) -> str:
    return _words("calibrate", options, "--data", options.data, "--split", options.split)


def _words(verb: str, options: argparse.Namespace, *more: str) -> str:
    named = [] if options.artifact == artifact.DEFAULT_FOLDER else ["--artifact", str(options.artifact)]
    return shlex.join(["python", "-m", "model", verb, *named, *more])
