"""`python -m model export`: `unet.keras` becomes the file that serving runs without TensorFlow, once it was checked.

Array contract: see `model.inference.engines`.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import openvino

from model.artifact import Artifact
from model.data import synthetic
from model.inference.engines import SHA256_PATH, OpenVinoEngine, TensorFlowEngine
from model.inference.segmenter import Segmenter

# Float32 in another order of additions; a wrong layer or a lost weight is off by far more.
TOLERANCE = 1e-3


def export(artifact: Artifact) -> float:
    """Compile the Keras network for OpenVINO, at the card's size and batch 1, and put it beside `unet.keras`.

    Args:
        artifact: its `openvino_path` is replaced once the new file has given the same probabilities as Keras.

    Returns:
        The largest difference of a probability on a generated street scene, in float32.

    Raises:
        ValueError: Keras does not run on TensorFlow, `unet.keras` is not the card's, or the compiled network differs.
    """
    reference = TensorFlowEngine(artifact)
    with tempfile.TemporaryDirectory(dir=artifact.folder, prefix="export-") as folder:
        compiled = Artifact(Path(folder), artifact.card)
        _compile(reference.network, artifact, compiled.openvino_path)
        difference = _difference(reference, OpenVinoEngine(compiled, precision="f32"), artifact)
        if difference > TOLERANCE:
            raise ValueError(
                f"The compiled network's probabilities differ from Keras's by up to {difference:.2g}. Expected at most "
                f"{TOLERANCE:g}: this OpenVINO misreads the network. {artifact.openvino_path} was left as it was."
            )
        # The graph names its weights' offsets, so the weights must be there before it.
        for suffix in (".bin", ".xml"):
            os.replace(compiled.openvino_path.with_suffix(suffix), artifact.openvino_path.with_suffix(suffix))
    return difference


def _compile(network, artifact: Artifact, path: Path) -> None:
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    signature = [tf.TensorSpec((1, *artifact.size, 3), tf.float32, name="images")]
    function = tf.function(lambda images: network(images, training=False), input_signature=signature)
    frozen = convert_variables_to_constants_v2(function.get_concrete_function()).graph
    graph = path.with_suffix(".pb")
    # Through a file and not `openvino.convert_model`, which by itself sends usage data to Intel.
    graph.write_bytes(frozen.as_graph_def().SerializeToString())
    model = openvino.Core().read_model(graph)
    model.set_rt_info(artifact.card["keras_sha256"], SHA256_PATH)
    openvino.save_model(model, path, compress_to_fp16=False)


def _difference(one: TensorFlowEngine, other: OpenVinoEngine, artifact: Artifact) -> float:
    image, _ = synthetic.scene(0)
    answers = [Segmenter(artifact, engine).probabilities(image) for engine in (one, other)]
    return float(np.abs(answers[0] - answers[1]).max())
