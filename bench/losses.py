"""Time of every loss with its slope, against cross-entropy: `python -m bench.losses`, a minute."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import tensorflow

from bench import machine
from model.categories import COUNT
from model.inference import processors
from model.training import losses

ROUNDS = 15


def main() -> None:
    """Print a table of medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--no-xla", action="store_true", help="one operation after the other; Keras trains with XLA")
    flags = parser.parse_args()
    shape = (flags.batch_size, flags.height, flags.width)
    random = np.random.default_rng(0)
    labels = tensorflow.constant(random.integers(0, COUNT, shape).astype(np.uint8))
    logits = tensorflow.constant(random.normal(size=(*shape, COUNT)).astype(np.float32))
    steps = {name: _step(name, labels, logits, xla=not flags.no_xla) for name in losses.NAMES}
    _print(_times(steps), shape)


def _step(name: str, labels: tensorflow.Tensor, logits: tensorflow.Tensor, *, xla: bool) -> Callable[[], None]:
    """Return a function that computes the loss and its slope, compiled already."""
    loss = losses.create(name, category_weights=[1.0] * COUNT, region_weights=[1.0] * COUNT)

    @tensorflow.function(jit_compile=xla)
    def differentiate(labels: tensorflow.Tensor, logits: tensorflow.Tensor) -> tensorflow.Tensor:
        with tensorflow.GradientTape() as tape:
            tape.watch(logits)
            total = loss(labels, logits)
        return tape.gradient(total, logits)

    def step() -> None:
        differentiate(labels, logits).numpy()

    step()
    return step


def _times(steps: dict[str, Callable[[], None]]) -> dict[str, list[float]]:
    """Return milliseconds by name, the losses in turns so that whatever else runs here is shared out."""
    times = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            begun = time.perf_counter()
            step()
            times[name].append(1000 * (time.perf_counter() - begun))
    return times


def _print(times: dict[str, list[float]], shape: tuple[int, int, int]) -> None:
    print(f"{processors.count()} processors, load {machine.load():.1f}; labels {shape}, {ROUNDS} rounds\n")
    print("| loss and slope | median, ms | fastest to slowest, ms | times cross-entropy |\n|---|---|---|---|")
    for name, found in times.items():
        # The same round's cross-entropy: it had the same neighbours.
        ratio = statistics.median(a / b for a, b in zip(found, times["cross_entropy"], strict=True))
        median = statistics.median(found)
        print(f"| {name} | {median:.0f} | {min(found):.0f} to {max(found):.0f} | {ratio:.1f} |")


if __name__ == "__main__":
    main()
