"""All formats by name."""

from __future__ import annotations

from model.training.exporting.litert_file import LITERT, LITERT_FLOAT16, LITERT_INT8
from model.training.exporting.onnx_file import ONNX
from model.training.exporting.openvino_files import BFLOAT16, OPENVINO
from model.training.exporting.quantise import INT8
from model.training.exporting.saved_model import SAVED_MODEL

FORMATS = {
    form.name: form for form in (OPENVINO, BFLOAT16, INT8, ONNX, LITERT, LITERT_FLOAT16, LITERT_INT8, SAVED_MODEL)
}
"""In the order in which they are made: those that stand on OpenVINO's float file come after it."""
