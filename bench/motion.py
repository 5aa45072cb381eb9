"""`python -m bench.motion CITYSCAPES`: how good the labels are that `model segment` moves between frames of a video.

CITYSCAPES holds `leftImg8bit/` and `gtFine/` at full size. No film with masks is to be had, so films of 25 frames a
second are made of its photographs: a window that wanders and comes nearer, as a camera in a car does; and before it a
car or a person cut out of a photograph, which crosses at 100 to 600 pixels a second. What a frame's labels should be is
what the network says of that very frame. Beside labels that were moved stand those that were left where they were.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from bench import machine
from model import categories
from model.data import cityscapes
from model.inference import segmenter
from model.inference.batch import motion

SIZE = (720, 1280)
RATE = 25
APART = (1, 2, 3, 4)
_THINGS = [categories.NAMES.index(name) for name in ("human", "vehicle")]
# Pixels of Cityscapes that a window of `SIZE` shows; below them lies the bonnet.
_WINDOW, _STREET = (900, 1600), 900
_LEAST_PIXELS = 500
_SEED = 3


class Thing(NamedTuple):
    """What was cut out: its pixels, which of them are its own (0 to 1), its top row, its category."""

    image: np.ndarray
    alpha: np.ndarray
    top: int
    category: int


def main(arguments: list[str] | None = None) -> int:
    """Make the films, label them, print a row for each distance."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cityscapes", type=Path)
    parser.add_argument("--films", type=int, default=40, metavar="N", help="of each kind")
    options = parser.parse_args(arguments)
    network = segmenter.load()
    print(f"{machine.processor()}; {network.version}; {options.films} films of each kind")
    examples = [sample.read() for sample in cityscapes.samples(options.cityscapes, "all")]
    things = [thing for example in examples for thing in _cut(example.image, example.labels)]
    generator = np.random.default_rng(_SEED)
    for kind, candidates in (("a street that passes", [None]), ("a car or a person that crosses", things)):
        scores = defaultdict(list)
        for _ in range(options.films):
            street = examples[generator.integers(len(examples))].image
            _score(network, [*_film(street, candidates[generator.integers(len(candidates))], generator)], scores)
        _report(kind, scores)
    return 0


def _cut(image: np.ndarray, labels: np.ndarray) -> Iterator[Thing]:
    """Cut out connected people and vehicles that are whole and of a size that one looks at."""
    for category in _THINGS:
        count, parts, boxes, _ = cv2.connectedComponentsWithStats((labels == category).astype(np.uint8))
        for number in range(1, count):
            left, top, width, height, pixels = boxes[number]
            whole = left > 2 and left + width < labels.shape[1] - 2
            if whole and 60 < height < 420 and 30 < width < 500 and pixels > 3000:
                box = np.s_[top : top + height, left : left + width]
                yield Thing(image[box], (parts[box] == number).astype(np.float32), int(top), category)


def _film(street: np.ndarray, thing: Thing | None, generator: np.random.Generator) -> Iterator[tuple[np.ndarray, int]]:
    """Give (frame, category of what crosses or -1): `APART` frames and one more."""
    haste = generator.uniform(0.5, 3)
    speed = generator.uniform(100, 600) * generator.choice([-1, 1]) / RATE
    for number in range(max(APART) + 1):
        frame = _seen(street[:_STREET] if thing else street, number, haste)
        if thing is not None:
            _put(frame, thing, speed * (number - max(APART) / 2))
        yield frame, -1 if thing is None else thing.category


def _seen(street: np.ndarray, number: int, haste: float) -> np.ndarray:
    """Return what a window shows that wanders by 30 pixels and grows by a tenth a second, times its haste."""
    height, width = (side / (1 + 0.1 * haste * number / RATE) for side in _WINDOW)
    left = (street.shape[1] - width) / 2 + 30 * haste * number / RATE
    top = (street.shape[0] - height) / 2
    across, down = SIZE[1] / width, SIZE[0] / height
    matrix = np.float32([[across, 0, -left * across], [0, down, -top * down]])
    return cv2.warpAffine(street, matrix, SIZE[::-1], borderMode=cv2.BORDER_REFLECT)


def _put(frame: np.ndarray, thing: Thing, shift: float) -> None:
    """Lay a thing over a frame, `shift` pixels right of its middle."""
    scale = SIZE[1] / _WINDOW[1]
    image, alpha = (
        cv2.resize(each, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for each in (thing.image, thing.alpha)
    )
    height, width = alpha.shape
    top = max(0, min(round(thing.top * scale), SIZE[0] - height))
    left = round((SIZE[1] - width) / 2 + shift)
    shown = np.s_[max(0, -left) : min(width, SIZE[1] - left)]
    part = frame[top : top + height, max(0, left) : max(0, left + width)]
    weight = alpha[:, shown, np.newaxis]
    part[:] = np.rint(part * (1 - weight) + image[:, shown] * weight)


def _score(network: segmenter.Segmenter, film: list[tuple[np.ndarray, int]], scores: dict) -> None:
    """Add (share of equal pixels, IoU) of each distance and way to `scores`."""
    answers = [network.segment(frame).labels for frame, _ in film]
    sketches = [motion.sketch(frame) for frame, _ in film]
    category = film[0][1]
    wanted = range(1, categories.COUNT) if category < 0 else [category]
    for apart in APART:
        truth = answers[apart]
        for way, labels in (
            ("left", answers[0]),
            ("moved", motion.moved(answers[0], sketches[0], sketches[apart])),
        ):
            shared = [_overlap(labels == id, truth == id) for id in wanted if (truth == id).sum() >= _LEAST_PIXELS]
            if shared:
                scores[apart, way].append(((labels == truth).mean(), np.mean(shared)))


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    return (one & other).sum() / (one | other).sum()


def _report(kind: str, scores: dict) -> None:
    print(f"{kind}: pixels labelled as the network does, and mean IoU with its labels")
    for apart in APART:
        left, moved = (np.mean(scores[apart, way], axis=0) for way in ("left", "moved"))
        print(
            f"  {apart} frame{'s' * (apart > 1)} apart: left where they were {left[0]:.1%}, {left[1]:.3f}; "
            f"moved {moved[0]:.1%}, {moved[1]:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
