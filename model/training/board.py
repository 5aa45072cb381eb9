"""What TensorBoard draws of a run: loss, learning rate, speed, and how well each category is found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras


class Board(keras.callbacks.TensorBoard):
    """Keras's own TensorBoard, told the scores of the epoch as well; the callback that takes them comes before it."""

    def __init__(self, folder: Path, history: Sequence[dict]):
        super().__init__(log_dir=str(folder), write_graph=False, update_freq="epoch")
        self._scored = history
        if keras.backend.backend() != "tensorflow":
            import tensorflow

            # It only writes the files here, and would take the memory of the accelerator that another library uses.
            tensorflow.config.set_visible_devices([], "GPU")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        super().on_epoch_end(epoch, (logs or {}) | scalars(self._scored[-1]))


def scalars(entry: dict) -> dict[str, float]:
    """Return what is drawn of an epoch, beside loss and learning rate.

    Args:
        entry: of the run's history.

    Returns:
        Values by name; a category that the validation samples do not have is left out.
    """
    values = {"mean_iou": entry["mean_iou"], "images_per_second": entry["images_per_second"]}
    values |= {f"iou_{name}": value for name, value in entry["iou"].items()}
    return {name: value for name, value in values.items() if value is not None}
