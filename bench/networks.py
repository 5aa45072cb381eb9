"""What each network costs: `python -m bench.networks` prints a table of parameters, multiply-adds and times.

One process on all cores, TensorFlow for a step of training (forward, backward and Adam, compiled once before the clock
starts), OpenVINO in float32 for the latency of one image. Each time is the median of several; beside the clock's stands
the time that processors worked on it, all cores together, which other programs on the machine disturb less.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import keras
import numpy as np
import openvino
import tensorflow

from bench import machine
from model.categories import COUNT
from model.networks import registry
from model.networks.costs import multiply_adds


def main(arguments: list[str] | None = None) -> int:
    """Measure the networks that were asked for and print one row of Markdown for each as soon as it is there."""
    options = _parser().parse_args(arguments)
    step, latency = tuple(options.step_size), tuple(options.latency_size)
    print(
        f"{machine.processor()}; load {machine.load():.1f}; Keras {keras.__version__}, "
        f"TensorFlow {tensorflow.__version__}, OpenVINO {openvino.__version__}\n"
    )
    step_column = f"s a training step, batch {options.batch_size}, {step[1]}x{step[0]} (processors')"
    latency_column = f"ms in OpenVINO float32, {latency[1]}x{latency[0]} (processors')"
    print(f"| network | parameters | multiply-adds, {latency[1]}x{latency[0]} | {step_column} | {latency_column} |")
    print("|---|---|---|---|---|", flush=True)
    for name in options.networks:
        keras.backend.clear_session()
        model = registry.create(name, categories=COUNT)
        cells = [
            f"{model.count_params():,}",
            f"{multiply_adds(model, latency) / 1e9:.2f} G",
            "{:.2f} ({:.2f})".format(*step_seconds(model, options.batch_size, step, options.repeat)),
            ""
            if options.no_latency
            else "{:.1f} ({:.1f})".format(*latency_milliseconds(model, latency, options.repeat)),
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    return 0


def step_seconds(model: keras.Model, batch_size: int, size: tuple[int, int], repeat: int) -> tuple[float, float]:
    """Return the seconds that a step of training takes, with cross-entropy and Adam: the clock's, the processors'."""
    random = np.random.default_rng(0)
    images = random.uniform(-1, 1, (batch_size, *size, 3)).astype(np.float32)
    labels = random.integers(0, COUNT, (batch_size, *size), dtype=np.uint8)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    return _medians(lambda: model.train_on_batch(images, labels), repeat)


def latency_milliseconds(model: keras.Model, size: tuple[int, int], repeat: int) -> tuple[float, float]:
    """Return the milliseconds that OpenVINO takes for one image in float32: the clock's, the processors'."""
    fixed = keras.models.clone_model(model, input_tensors=keras.Input((*size, 3), batch_size=1, name="images"))
    fixed.set_weights(model.get_weights())
    function = tensorflow.function(
        lambda images: fixed(images, training=False),
        input_signature=[tensorflow.TensorSpec((1, *size, 3), tensorflow.float32)],
        autograph=False,
    )
    converted = openvino.convert_model(function.get_concrete_function())
    compiled = openvino.compile_model(
        converted, "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    )
    image = np.random.default_rng(0).uniform(-1, 1, (1, *size, 3)).astype(np.float32)
    request = compiled.create_infer_request()
    clock, processors = _medians(lambda: request.infer([image]), 3 * repeat)
    return clock * 1e3, processors * 1e3


def _medians(work: Callable[[], object], repeat: int) -> tuple[float, float]:
    work()
    times = []
    for _ in range(repeat):
        started = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - started[0], time.process_time() - started[1]))
    clock, processors = (statistics.median(column) for column in zip(*times, strict=True))
    return clock, processors


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.networks", description="Measure what each network costs.")
    add = parser.add_argument
    add("--networks", nargs="+", choices=registry.NAMES, default=registry.NAMES, metavar="NAME", help="default: all")
    add("--batch-size", type=int, default=8, metavar="N", help="images in a step of training")
    add("--step-size", type=int, nargs=2, default=(128, 256), metavar=("HEIGHT", "WIDTH"), help="of a training image")
    add("--latency-size", type=int, nargs=2, default=(256, 512), metavar=("HEIGHT", "WIDTH"), help="of one image")
    add(
        "--repeat",
        type=int,
        default=5,
        metavar="N",
        help="steps of which the median is taken; three times as many images",
    )
    add("--no-latency", action="store_true", help="leave OpenVINO out")
    return parser


if __name__ == "__main__":
    sys.exit(main())
