"""`python -m model evaluate`: an artifact, or anybody's label id PNGs, and a data set in; scores out."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import asdict
from pathlib import Path

from model import artifact
from model.data.datasets import SYNTHETIC
from model.inference import engines
from model.verbs import corruptions
from model.verbs.flags import Once, scales

HELP = "score an artifact, or a folder of predictions, as Cityscapes does and beyond"
WORST = 8
RESAMPLES = 2000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's flags to its parser."""
    add = parser.add_argument
    add("--data", action=Once, default=SYNTHETIC, help=f"data set folder, or {SYNTHETIC!r}")
    add("--split", default="val", help="split of it")
    add(
        "--label-offset",
        type=float,
        default=0.0,
        metavar="PIXELS",
        help="how far right of and below its image a mask lies",
    )
    add("--artifact", type=Path, default=artifact.DEFAULT_FOLDER, help="folder of the network")
    add("--engine", choices=engines.NAMES, default="auto", help="what runs the network")
    add("--precision", choices=engines.PRECISIONS, default="auto", help="of its arithmetic")
    add("--flip", action="store_true", help="average with the answer to the mirrored photograph")
    add("--scales", type=scales, default=(1.0,), metavar="A,B", help="average answers at these sizes (1 is its own)")
    add("--predictions", type=Path, metavar="DIR", help="score the label id PNGs of this folder, and run no network")
    add("--cache", type=Path, metavar="DIR", help="keep the masks counted here: --predictions is faster next time")
    add("--no-boundary", action="store_true", help="leave out boundary IoU, most of the time that --predictions takes")
    add("--against", type=Path, metavar="DIR", help="compare with this artifact, or this folder of predictions")
    add("--resamples", type=int, default=RESAMPLES, help="of the bootstrap behind the intervals")
    add("--resample", choices=("images", "cities"), default="images", help="what the bootstrap draws")
    add("--report", type=Path, metavar="HTML", help="also write a report, one file to pass on")
    add("--worst", type=int, default=WORST, metavar="N", help="show the N worst images in the report")
    add("--json", type=Path, help="also write everything to this file")
    add("--card", metavar="NAME", help="put the scores into the artifact's card under this name")
    add("--card-precision", action="store_true", help="compare with Keras in float32; put that into the card as well")
    add("--export-official", type=Path, help="write label id PNGs for the official scripts into this folder")
    corruptions.add_arguments(parser)


def run(options: argparse.Namespace) -> None:
    """Score the artifact or the predictions, print the tables, and write what the flags ask for."""
    from model.data.samples import check
    from model.training.evaluate import table, write_json
    from model.training.evaluation import against, sides

    _check(options)
    views = {name: getattr(options, name) for name in ("engine", "precision", "flip", "scales")}
    if options.predictions is None:
        side = sides.Network(options.artifact, **views)
    else:
        side = sides.Folder(options.predictions, cache=options.cache, boundary=not options.no_boundary)
    rival = None
    if options.against is not None:
        rival = sides.other(options.against, cache=options.cache, boundary=not options.no_boundary, **views)
    samples = _opened(options)
    _check_cities(options, samples)
    if options.predictions is None:
        check(samples)
    if options.corruptions is not None:
        corruptions.run(options, side, samples, _about(options, side))
        return
    scores = side.scores(samples, export_official=options.export_official)
    about = _about(options, side)
    print(f"{side.name} on {side.means}, {scores.images} images of {options.data} ({options.split})\n")
    print(table(scores))
    more, rows, theirs = {}, None, None
    if rival is not None:
        theirs = rival.scores(samples)
        rows = against.compare(scores, theirs, units=options.resample, resamples=options.resamples)
        units = len(set(against.groups(scores, options.resample) or range(scores.images)))
        drawn = f"{options.resamples:,} x {units:,} {options.resample}"
        print("\n" + against.table(rows, ours=side.name, theirs=rival.name, drawn=drawn))
        more["against"] = {"model": rival.name, "engine": rival.means, **theirs.as_dict()}
        more["difference"] = {"drawn": drawn, "rows": [asdict(row) for row in rows]}
    if options.json is not None:
        write_json(scores, options.json, about=about | more)
        print(f"\nwrote {options.json}")
    if options.report is not None:
        _write_report(options, about, samples, scores, side, rival, theirs, rows)
    _write_card(options, side, samples, scores, about)


def _opened(options: argparse.Namespace) -> list:
    from model.data.datasets import open_samples
    from model.data.registration import registered

    return registered(open_samples(options.data, options.split), options.label_offset)


def _check(options: argparse.Namespace) -> None:
    """Refuse flags that say nothing together."""
    for name, least in (("resamples", 100), ("worst", 0)):
        if getattr(options, name) < least:
            raise ValueError(f"Received --{name} {getattr(options, name)}. Expected at least {least}.")
    for name in ("report", "json"):
        path = getattr(options, name)
        if path is not None and path.is_dir():
            raise ValueError(f"Received --{name} {path}, which is a folder. Expected the name of a file.")
    corruptions.check(options)
    if options.card_precision and (options.flip or options.scales != (1.0,)):
        raise ValueError("Received --card-precision with --flip or --scales. Expected the network as it serves.")
    if options.cache is not None and options.predictions is None:
        raise ValueError("Received --cache without --predictions. Expected both: a network reads photographs anyway.")
    if options.no_boundary and options.predictions is None:
        raise ValueError(
            "Received --no-boundary without --predictions. Expected both: beside a network it costs little."
        )
    if options.predictions is not None:
        alone = ("label_offset", "flip", "card", "card_precision", "export_official")
        given = [name for name in alone if getattr(options, name)] + (["scales"] if options.scales != (1.0,) else [])
        # What --against names may be a network.
        other = options.against is not None and (options.against / artifact.CARD_FILE).is_file()
        given += [name for name in ("engine", "precision") if getattr(options, name) != "auto" and not other]
        if given:
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise ValueError(f"Received --predictions with {flags}. Expected one or the other: no network runs.")


def _check_cities(options: argparse.Namespace, samples: list) -> None:
    """Refuse before hours of scoring what can't be drawn from."""
    from model.training.evaluation.against import CITIES, city

    found = {city(sample.name) for sample in samples}
    if options.resample == CITIES and (options.report or options.against) and len(found) < 2:
        raise ValueError(
            f"Received --resample cities with images of one city alone, {', '.join(found)}. Expected two at least: "
            "resample images, or score on more cities."
        )


def _about(options: argparse.Namespace, side) -> dict:
    words = ["python", "-m", "model", "evaluate", "--data", options.data, "--split", options.split]
    words += ["--label-offset", f"{options.label_offset:g}"] if options.label_offset else []
    words += side.words
    return {
        "model": side.name,
        "engine": side.means,
        "data": options.data,
        "split": options.split,
        "command": shlex.join(words),
    }


def _write_report(options: argparse.Namespace, about: dict, samples: list, scores, side, rival, theirs, rows) -> None:
    from model.training.evaluation import report

    against = None if rows is None else report.Rival(rival.name, rival.means, theirs, rows)
    report.write(
        options.report,
        scores=scores,
        about=about,
        samples=samples,
        side=side,
        worst=options.worst,
        units=options.resample,
        resamples=options.resamples,
        against=against,
    )
    print(f"\nwrote {options.report}")


def _write_card(options: argparse.Namespace, side, samples: list, scores, about: dict) -> None:
    if options.card is not None:
        from model.training.card import add_scores

        add_scores(side.segmenter.artifact, options.card, scores, about=about)
        print(f"\nwrote the card in {options.artifact}")
    if options.card_precision:
        _card_precision(side.segmenter, samples, about | scores.as_dict())


def _card_precision(loaded, samples: list, found: dict) -> None:
    from model.inference.segmenter import load
    from model.training.card import add_precision
    from model.training.scoring import equal_labels

    equal = equal_labels(samples, loaded, load(loaded.artifact.folder, engine="tensorflow"))
    print(f"\nlabels equal to those of Keras in float32: {equal:.4%}")
    kept = ("data", "split", "images", "mean_iou", "iou", "command")
    entry = {name: found[name] for name in kept} | {"equal_labels": equal}
    add_precision(artifact.read(loaded.artifact.folder), loaded.engine.precision, entry)
