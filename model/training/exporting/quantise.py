"""`python -m model export --data FOLDER`: the int8 file, with its most sensitive layers kept in float32.

Array contract: `image` uint8 (height, width, 3) RGB of the network's size; see `model.inference.contract`.

Post-training quantisation (Nagel et al. 2021, "A White Paper on Neural Network Quantization", arXiv 2106.08295) by
NNCF: ranges of activations from calibration images, biases corrected layer by layer. Layers that do most of the damage,
found on images that did not calibrate, stay in float32.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino

from model.artifact import Artifact
from model.data.samples import Sample
from model.inference.openvino_engine import OpenVinoEngine
from model.inference.segmenter import Segmenter
from model.training.exporting.checks import ROUNDED, Agreement, Reference
from model.training.exporting.conversion import convert
from model.training.exporting.making import Format, check
from model.training.exporting.openvino_files import load_int8
from model.training.exporting.placing import put_in_place
from model.training.exporting.sensitivity import MOST_LAYERS, Trial
from model.training.scoring import equal_labels, score

CALIBRATION_IMAGES = 300
TRIAL_IMAGES = 100
"""Of those that calibrate: enough to compare layers, in less time."""
RANKING_IMAGES = 24
CHECK_IMAGES = 200
LARGEST_LOSS = 0.003
"""Of mean category IoU, on the images that check."""

INT8 = Format("int8", ".openvino.int8.xml", "openvino", ROUNDED, convert, load_int8)
"""Made of the float file by `quantise`, not by `convert` alone."""

_SEED = 1


@dataclass(frozen=True)
class Quantised:
    """What was made, and what it costs.

    Attributes:
        float_layers: those that stayed in float32, the most sensitive first.
        calibration_images: images that gave the ranges.
        check_images: images, others than those, on which the rest was measured.
        loss: of mean category IoU against the float32 file; below 0 where int8 scores better.
        equal_labels: share of pixels with the label of the float32 file, 0 to 1.
        agreement: with Keras itself; None where there was no reference.
    """

    float_layers: tuple[str, ...]
    calibration_images: int
    check_images: int
    loss: float
    equal_labels: float
    agreement: Agreement | None = None


def quantise(
    artifact: Artifact,
    samples: Sequence[Sample],
    *,
    reference: Reference | None = None,
    most_float_layers: int = MOST_LAYERS,
) -> Quantised:
    """Make the int8 file from the compiled float32 file, check it, and put it beside it.

    Args:
        artifact: its `openvino_path` must be there; its `int8_path` is replaced.
        samples: training samples, never those that the network is scored on: they decide how it is rounded.
        reference: Keras's own answers on a few images, which the int8 file's must be near to.
        most_float_layers: how many of the most sensitive layers may stay in float32. Looking for them is most of the
            time that this takes; 0 does not look.

    Returns:
        What was made.

    Raises:
        ValueError: there are too few samples, one can't be read, or int8 loses too much; nothing was replaced.
        EngineError: the float32 file is missing, damaged, or was made from another network.
    """
    exact = Segmenter(artifact, OpenVinoEngine(artifact, precision="f32"))
    calibration, ranking, checks = _parts(samples)
    model = openvino.Core().read_model(artifact.openvino_path)
    images = [exact.fit(sample.read().image) for sample in calibration]
    layers: tuple[str, ...] = ()
    if most_float_layers:
        trial = Trial(
            model,
            [exact.fit(sample.read().image) for sample in ranking],
            lambda names: _quantised(model, images[:TRIAL_IMAGES], names),
        )
        layers = trial.sensitive_layers(most_float_layers)
    made = _quantised(model, images, layers)
    with tempfile.TemporaryDirectory(dir=artifact.folder, prefix="export-") as folder:
        compiled = Artifact(Path(folder), artifact.card)
        made.set_rt_info(",".join(layers), ["streetseg", "float_layers"])
        made.set_rt_info(len(calibration), ["streetseg", "calibration_images"])
        openvino.save_model(made, compiled.int8_path, compress_to_fp16=False)
        rounded = Segmenter(artifact, OpenVinoEngine(compiled, precision="int8"))
        agreement = None if reference is None else check(INT8, reference, compiled.int8_path, kept=artifact.int8_path)
        result = Quantised(layers, len(calibration), len(checks), *_losses(exact, rounded, checks), agreement)
        if not result.loss <= LARGEST_LOSS:
            raise ValueError(
                f"int8 loses {result.loss:.4f} of mean category IoU on {len(checks)} images. Expected at most "
                f"{LARGEST_LOSS}: quantise on more images of what the network was trained on, or run it in bf16 or "
                f"f32. {artifact.int8_path} was left as it was."
            )
        put_in_place(compiled.int8_path, artifact.int8_path)
    return result


def _parts(samples: Sequence[Sample]) -> tuple[list[Sample], list[Sample], list[Sample]]:
    """Draw the samples that calibrate, that rank layers, and that check: three sets without a common member."""
    most = (CALIBRATION_IMAGES, RANKING_IMAGES, CHECK_IMAGES)
    if len(samples) < len(most):
        raise ValueError(f"Received {len(samples)} samples. Expected at least {len(most)}, better {sum(most)}.")
    order = np.random.default_rng(_SEED).permutation(len(samples))
    share = min(1, len(samples) / sum(most))
    ends = np.cumsum([max(1, int(number * share)) for number in most])
    return tuple([samples[i] for i in part] for part in np.split(order[: ends[-1]], ends[:-1]))


def _quantised(model, images: list[np.ndarray], float_layers: tuple[str, ...]):
    """Return a quantised copy of a model.

    The slower of NNCF's bias corrections, which runs each layer behind the quantised ones: on the shipped network it
    more than halves the pixels whose label changes, where other ways to find ranges change nothing.
    """
    import nncf

    print(f"quantising on {len(images)} images, in float32: {', '.join(float_layers) or 'nothing'}", flush=True)
    return nncf.quantize(
        model.clone(),
        nncf.Dataset(images, lambda image: image[np.newaxis]),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(images),
        fast_bias_correction=False,
        ignored_scope=nncf.IgnoredScope(names=list(float_layers)) if float_layers else None,
    )


def _losses(exact: Segmenter, rounded: Segmenter, samples: Sequence[Sample]) -> tuple[float, float]:
    loss = score(samples, exact).mean_iou - score(samples, rounded).mean_iou
    return loss, equal_labels(samples, exact, rounded)
