"""`python -m model segment IN... OUT`: images in, the answers of `/predict` and tables of coverage out, as files."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from model import artifact, categories
from model.inference import engines, images
from model.inference.batch import formats, inputs, job, memory, on_ray, one, stores, tables
from model.inference.batch.crew import Crew
from model.inference.options import INPUT_SIZE, PARAMETERS, Options, Parameter, check_size
from model.inference.segmenter import Segmenter
from model.verbs import live

HELP = "segment images and videos: files, folders, patterns, zip archives, cameras"
_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's flags to its parser."""
    add = parser.add_argument
    add(
        "inputs",
        nargs="+",
        metavar="IN",
        help="image, video, folder, quoted pattern or zip archive of them, or URL of what is in a store, s3://bucket; "
        "or one camera (camera, camera:1) or stream (rtsp://..., http://...)",
    )
    add(
        "out",
        metavar="OUT",
        help="folder or URL that receives the answers; what is there is not made again. Live, - keeps nothing",
    )
    kinds = (*tables.KINDS, "none")
    add("--format", type=_words(formats.FORMATS), default="mask", metavar="A,B", help=", ".join(formats.FORMATS))
    add("--tables", type=_words(kinds), default="csv,parquet", metavar="A,B", help=", ".join(kinds))
    for name, parameter in PARAMETERS.items():
        if isinstance(getattr(Options(), name), bool):
            add(f"--{name}", action="store_true", help=_HELP[name])
        else:
            add(f"--{name}", type=_typed(parameter), default=_DEFAULTS.get(name), help=_HELP[name])
    add(
        "--every",
        type=_every,
        default="auto",
        metavar="N",
        help="of a video: the network sees each Nth frame, and its labels move to those between; auto: 5 a second",
    )
    _add_network(add)
    add("--jobs", type=int, default=0, metavar="N", help="images at a time; 0 for what keeps every processor busy")
    add("--ray", metavar="ADDRESS", help="let actors of this Ray cluster make the images; local starts one here")
    live.add_arguments(add)
    add("--restart", action="store_true", help="make all answers anew, also those that are there")


def _add_network(add: Callable[..., object]) -> None:
    add("--artifact", type=Path, default=artifact.DEFAULT_FOLDER, help="folder of the network")
    add("--engine", choices=engines.NAMES, default="auto", help="what runs the network")
    add("--precision", choices=engines.PRECISIONS, default="auto", help="of its arithmetic")
    add(
        "--input-size",
        type=_typed(INPUT_SIZE),
        default="own",
        metavar="WxH",
        help="that photographs are brought to for the network: a smaller one than its own is faster and sees less",
    )


def run(options: argparse.Namespace) -> int:
    """Make the answers, show how far it is, list what failed; 1 where something did."""
    from model.inference import processors, segmenter

    if options.jobs < 0:
        raise ValueError(f"--jobs is {options.jobs}. Expected 0, or how many images are worked on at a time.")
    check_size(options.size, most_pixels=images.MOST_PIXELS)
    given = {name: value for name, value in vars(options).items() if name in PARAMETERS and value is not None}
    runs = {"engine": options.engine, "precision": options.precision, "input_size": options.input_size}
    if live.is_wanted(options):
        # One picture at a time, and that by all processors: the answer to the newest one comes soonest.
        network = segmenter.load(options.artifact, **runs)
        ways = {"out": live.folder(options.out), "view": options.view, "seconds": options.seconds}
        return live.run(options.inputs[0], network, Options(**given), **ways)
    options.out = stores.path(options.out)
    items = inputs.find(options.inputs, besides=options.out)
    jobs = options.jobs or 2 * processors.count()
    memory.keep_freed(jobs)
    network = segmenter.load(options.artifact, **runs, streams=min(jobs, processors.count()))
    kinds = tuple(kind for kind in options.tables if kind != "none")
    wanted = one.Job(formats=options.format, options=Options(**given), tables=kinds, every=options.every)
    start = time.perf_counter()
    crew = _crew(options, network)
    with _progress(len(items)) as bar:
        says = {"say": _teller(bar), "say_frames": _frames(bar)}
        outcome = job.run(
            items, network, options.out, job=wanted, crew=crew, threads=jobs, restart=options.restart, **says
        )
    _report(outcome, options.out, network.version, time.perf_counter() - start)
    return 1 if outcome.failed else 0


def _crew(options: argparse.Namespace, network: Segmenter) -> Crew | None:
    """Return the actors that were asked for; None for threads of this process."""
    if options.ray is None:
        return None
    on_ray.check()
    engine = network.engine
    asked = {"engine": engine.name, "precision": engine.precision, "input_size": options.input_size}
    return on_ray.actors(options.ray, artifact=options.artifact, count=options.jobs, **asked)


def _report(outcome: job.Outcome, out: Path | stores.StorePath, version: str, seconds: float) -> None:
    rate = f", {outcome.made / seconds:.1f} a second" if outcome.made else ""
    print(
        f"{out}: {outcome.made:,} files segmented by {version} in {seconds:,.1f} s{rate}; {outcome.kept:,} were there"
    )
    if outcome.failed:
        print(f"{len(outcome.failed):,} files failed, all listed in {out / job.FAILED}:", file=sys.stderr)
        for name, reason in outcome.failed[:_SHOWN]:
            print(f"  {name}: {reason}", file=sys.stderr)
        if len(outcome.failed) > _SHOWN:
            print(f"  and {len(outcome.failed) - _SHOWN:,} more", file=sys.stderr)


def _progress(count: int):
    from tqdm import tqdm

    return tqdm(total=count, unit="file", smoothing=0.05, mininterval=0.5, delay=1)


def _teller(bar) -> Callable[[str | None], None]:
    failures = 0

    def say(failed: str | None) -> None:
        nonlocal failures
        if failed is not None:
            failures += 1
            bar.set_postfix(failed=failures, refresh=False)
        bar.update()

    return say


def _frames(bar) -> Callable[[int], None]:
    def say(frames: int) -> None:
        # Shown at most twice a second.
        bar.set_postfix_str(f"{frames:,} frames", refresh=False)
        bar.update(0)

    return say


def _every(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f"received {text!r}. Expected 1 for all frames, 2 for every second one and so on, or auto"
        )
    return int(text)


def _words(known: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        words = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
        strange = [word for word in words if word not in known]
        if strange:
            raise argparse.ArgumentTypeError(f"received {strange[0]!r}. Expected {', '.join(known)}, with commas")
        return words

    return parse


def _typed(parameter: Parameter) -> Callable[[str], object]:
    def parse(text: str) -> object:
        try:
            return parameter.parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"received {text!r}. Expected {parameter.expected}") from error

    return parse


# As text, which the help shows.
_DEFAULTS = {
    "opacity": "0.5",
    "categories": ",".join(categories.NAMES),
    "size": "input",
    "palette": "cityscapes",
    "mask": "none",
}
_HELP = {
    "opacity": "of the colours over the photograph, 0 to 1",
    "categories": "names or ids of those that are coloured and counted",
    "outline": "draw the borders between categories",
    "size": "of the answers: input, network, or WIDTHxHEIGHT",
    "palette": "cityscapes or colorblind",
    "mask": "how the JSON carries the mask: none, png, rle or polygons",
    "blur": "names or ids of those that are made unrecognisable in the overlay's photograph, such as human,vehicle",
    "void": "shown or never; by itself shown, but never in the format cityscapes",
}
