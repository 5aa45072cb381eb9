"""A Keras network becomes an OpenVINO file that takes pixels and gives planes.

Array contract: see `model.inference.contract`.
"""

from __future__ import annotations

from pathlib import Path

import openvino
from openvino._offline_transformations import apply_moc_transformations
from openvino.preprocess import PrePostProcessor

from model.artifact import Artifact
from model.inference.openvino_engine import SHA256_PATH
from model.training.exporting.planes import give_planes

CONVOLUTIONS = ("Convolution", "GroupConvolution")
_TENSORFLOW_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")


def convert(network, artifact: Artifact, path: Path) -> None:
    """Write a Keras network on TensorFlow as an OpenVINO file, at batch 1 and the size of its input.

    What surrounds the network goes into the file too: uint8 (1, height, width, 3) in, normalised there; float32
    (1, categories, height, width) out. Batch normalisation is folded into the convolutions before it.

    Args:
        network: the Keras model, its sides fixed, any batch; takes normalised images.
        artifact: says how to normalise, and the SHA-256 that the file will carry.
        path: of the `.xml`; the weights go beside it.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    signature = [tf.TensorSpec((1, *artifact.size, 3), tf.float32, name="images")]
    function = tf.function(lambda images: network(images, training=False), input_signature=signature)
    frozen = convert_variables_to_constants_v2(function.get_concrete_function()).graph.as_graph_def()
    graph = path.with_suffix(".pb")
    # Through a file and not `openvino.convert_model`, which by itself sends usage data to Intel.
    graph.write_bytes(frozen.SerializeToString())
    model = openvino.Core().read_model(graph)
    model = give_planes(_take_pixels(model, artifact))
    # OpenVINO does this at every start by itself. Done here, quantisation sees each convolution's true bias, and can
    # correct it.
    apply_moc_transformations(model, cf=False, smart_reshape=False)
    _name_convolutions(model, [node.name for node in frozen.node if node.op in _TENSORFLOW_CONVOLUTIONS])
    model.set_rt_info(artifact.card["keras_sha256"], SHA256_PATH)
    openvino.save_model(model, path, compress_to_fp16=False)


def convolutions(model) -> list:
    """List a model's convolutions, from its input to its output."""
    return [node for node in model.get_ordered_ops() if node.get_type_name() in CONVOLUTIONS]


def _take_pixels(model, artifact: Artifact):
    """Let the network take uint8 and normalise it, with the card's numbers, as its first step."""
    outside = PrePostProcessor(model)
    outside.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    outside.input().model().set_layout(openvino.Layout("NHWC"))
    steps = outside.input().preprocess().convert_element_type(openvino.Type.f32)
    steps.mean(float(artifact.normalisation["mean"])).scale(float(artifact.normalisation["std"]))
    return outside.build()


def _name_convolutions(model, names: list[str]) -> None:
    """Give convolutions the names of the Keras layers again: OpenVINO's own are numbers that differ from run to run."""
    found = convolutions(model)
    if len(found) != len(names):
        names = [f"convolution_{number}" for number in range(len(found))]
    for node, name in zip(found, names, strict=True):
        # `unet_1/decoder_2_mix_1/separable_conv2d/depthwise` is what TensorFlow makes of the layer `decoder_2_mix`.
        node.set_friendly_name("/".join(name.split("/")[1:]) or name)
