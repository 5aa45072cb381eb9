"""Every network of the registry in every exact format: operations that a converter does not know, or knows otherwise.

The whole table takes minutes: `python -m pytest -m exports tests/model/training/exporting`. Two networks always run, in
the two formats that are quick to write.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest

from model import artifact as artifacts
from model.data import synthetic
from model.networks import registry
from model.networks.heads import with_softmax
from model.training.exporting.checks import Reference
from model.training.exporting.formats import FORMATS
from model.training.exporting.making import make

SIZE = (64, 96)
FORMS = ("openvino", "onnx", "litert", "savedmodel")
SOON = {("bisenetv2", "openvino"), ("deeplabv3plus", "openvino"), ("bisenetv2", "onnx"), ("deeplabv3plus", "onnx")}
EACH = [
    pytest.param(name, form, marks=[] if (name, form) in SOON else [pytest.mark.exports, pytest.mark.long])
    for name in registry.NAMES
    for form in FORMS
]


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    """A function that gives Keras's answers of a network by name, as long as the same one is asked for."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip(f"needs KERAS_BACKEND=tensorflow; this process runs Keras on {keras.backend.backend()}")
    kept = {}

    def reference(name: str) -> Reference:
        if name not in kept:
            kept.clear()
            kept[name] = _reference(name, tmp_path_factory.mktemp(name))
        return kept[name]

    return reference


@pytest.mark.parametrize(("name", "form"), EACH)
def test_an_exported_network_answers_as_keras_does(name, form, references, request):
    if request.node.get_closest_marker("exports") and "exports" not in request.config.getoption("markexpr"):
        pytest.skip("writes every network in every format, minutes: ask for it by -m exports")
    made = make(FORMATS[form], references(name))
    # `pytest -m exports -s` prints the table.
    print(f"{name} {form}: {made.as_dict()}")
    # Else a network that always says the same would pass.
    assert len(np.unique(references(name).labels)) > 2
    assert made.agreement.images == 8


def _reference(name: str, folder) -> Reference:
    """A network that was not trained, but whose batch norms fit street scenes: otherwise its answers hardly differ."""
    keras.utils.set_random_seed(1)
    network = registry.create(name, categories=8, batch_norm_momentum=0.01)
    random = np.random.default_rng(1)
    for weight in network.trainable_weights:
        # FCN-8s begins with scores of nothing.
        if not np.any(weight.numpy()):
            weight.assign(random.normal(0, 0.1, weight.shape))
    scenes = np.stack([synthetic.scene(seed, size=SIZE)[0] for seed in range(4)])
    network(scenes / np.float32(127.5) - 1, training=True)
    path = folder / f"{name}.keras"
    with_softmax(network).save(path)
    card = artifacts.describe(size=SIZE, mean=127.5, std=127.5) | {
        "name": name,
        "keras_sha256": artifacts.sha256(path),
        "training": {},
        "scores": {},
        "terms": {},
    }
    artifacts.write_card(folder, card)
    return Reference(artifacts.read(folder))
