"""`python -m model familiarity`: an artifact and streets in; in its card, what tells streets from anything else."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from model import artifact
from model.data.datasets import SYNTHETIC
from model.inference import engines
from model.verbs.flags import Once

HELP = "teach a network to tell when it is shown no street, and measure how well it does"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's flags to its parser."""
    add = parser.add_argument
    add("--artifact", type=Path, default=artifact.DEFAULT_FOLDER, help="folder of the network, whose card is changed")
    add("--data", action="append", default=[], help=f"learn from the train split of this folder, or {SYNTHETIC!r}")
    add("--val-data", action=Once, required=True, help="its val split says how strange a street may look")
    add("--measure", action="append", default=[], metavar="NAME=DIR", help="see how pictures of a folder stand out")
    add("--engine", choices=engines.NAMES, default="auto", help="what runs the network")
    add("--precision", choices=engines.PRECISIONS, default="auto", help="of its arithmetic")
    add("--seed", type=int, default=0, help="of the random views and of the pictures that are no streets")


def run(options: argparse.Namespace) -> None:
    """Learn where `--data` is given, measure, and write the card."""
    from model.data.datasets import open_samples
    from model.inference import familiarity
    from model.inference.segmenter import load
    from model.training import familiarity as learning
    from model.training.card import set_familiarity

    folders = dict(_named(text) for text in options.measure)
    if not options.data and not folders:
        raise ValueError("Received neither --data nor --measure. Expected streets to learn from, pictures, or both.")
    segmenter = load(options.artifact, engine=options.engine, precision=options.precision)
    held_out = open_samples(options.val_data, "val")
    entry = segmenter.artifact.card.get("familiarity", {})
    if options.data:
        samples = [learning.spread(open_samples(data, "train")) for data in options.data]
        learnt = learning.learn(segmenter, [one for each in samples for one in each], held_out, seed=options.seed)
        entry = learnt.as_dict() | {"about": _about(options, segmenter, samples=sum(map(len, samples)))}
    known = familiarity.read({"familiarity": entry})
    if known is None:
        raise ValueError(f"{segmenter.version} was not taught yet. Expected --data with streets to learn from as well.")
    streets = learning.of_samples(segmenter, known, held_out)
    measured = {"streets": learning.measure(known, streets)}
    print(_line(f"{options.val_data} (val)", measured["streets"]))
    for name, folder in folders.items():
        strangeness, refused = learning.of_files(segmenter, known, _pictures(folder))
        measured[name] = learning.measure(known, strangeness, streets=streets)
        print(_line(f"{name} ({folder})", measured[name]))
        for path in refused:
            print(f"  {path} is no picture that the service takes; left out")
    set_familiarity(segmenter.artifact, entry | {"measured": entry.get("measured", {}) | measured})
    print(f"wrote the card in {options.artifact}")


def _named(text: str) -> tuple[str, Path]:
    name, _, folder = text.partition("=")
    if not name or not Path(folder).is_dir() or not folder:
        raise ValueError(f"Received --measure {text}. Expected NAME=DIR with a folder that is there.")
    return name, Path(folder)


def _pictures(folder: Path) -> list[Path]:
    from model.training.familiarity import SUFFIXES

    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise ValueError(f"{folder} holds no picture. Expected files that end in {', '.join(SUFFIXES)}.")
    return found


def _line(name: str, found: dict) -> str:
    apart = "" if found["auroc"] is None else f", AUROC {found['auroc']:.4f}"
    return f"{name}: {found['images']:,} images, {found['warned']:.1%} with a warning{apart}"


def _about(options: argparse.Namespace, segmenter, *, samples: int) -> dict:
    data = [word for folder in options.data for word in ("--data", folder)]
    words = ["python", "-m", "model", "familiarity", *data, "--val-data", options.val_data]
    words += ["--engine", segmenter.engine.name, "--precision", segmenter.engine.precision, "--seed", str(options.seed)]
    return {"samples": samples, "command": shlex.join(words)}
