"""What the three frameworks host: the `.keras` network on TensorFlow, as a competent engineer would run it on a CPU.

A `tf.function` of fixed size instead of `model.predict`, OpenCV instead of Pillow, look-up instead of indexing.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np


class KerasNetwork:
    """The network of the folder `STREETSEG_ARTIFACT`, traced and warmed."""

    def __init__(self) -> None:
        import keras
        import tensorflow

        threads = int(os.environ.get("BENCH_THREADS", "0"))
        if threads:
            cv2.setNumThreads(threads)
            tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        folder = Path(os.environ["STREETSEG_ARTIFACT"])
        card = json.loads((folder / "card.json").read_text("utf-8"))
        self._size = card["input"]["height"], card["input"]["width"]
        self._mean, self._std = np.float32(card["input"]["mean"]), np.float32(card["input"]["std"])
        self._colors = np.array([category["color"][::-1] for category in card["categories"]], np.uint8)
        network = keras.models.load_model(folder / "unet.keras", compile=False)
        signature = [tensorflow.TensorSpec((1, *self._size, 3), tensorflow.float32)]
        self._run = tensorflow.function(lambda images: network(images, training=False), input_signature=signature)
        self._run(np.zeros((1, *self._size, 3), np.float32))

    def overlay_png(self, photograph: bytes) -> bytes:
        """Decode a photograph, and encode it with the categories' colours over it.

        Args:
            photograph: the content of a JPEG file.

        Returns:
            The content of a PNG file of the same size.
        """
        image = cv2.imdecode(np.frombuffer(photograph, np.uint8), cv2.IMREAD_COLOR)
        colors = np.take(self._colors, self._labels(image), axis=0)
        return cv2.imencode(".png", cv2.addWeighted(image, 0.5, colors, 0.5, 0))[1].tobytes()

    def _labels(self, image: np.ndarray) -> np.ndarray:
        small = cv2.resize(image, self._size[::-1], interpolation=cv2.INTER_AREA)
        rgb = cv2.cvtColor(small, cv2.COLOR_BGR2RGB).astype(np.float32)
        probabilities = self._run((rgb[np.newaxis] - self._mean) / self._std).numpy()[0]
        return cv2.resize(probabilities, image.shape[1::-1], interpolation=cv2.INTER_LINEAR).argmax(axis=-1)
