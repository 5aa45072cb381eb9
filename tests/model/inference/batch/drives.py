"""Generated drives, for trials with the network that is shipped."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from model.data import synthetic


def drive(folder: Path) -> Path:
    """Put forty generated scenes and a file that is none into a folder, and return it."""
    for seed in range(40):
        image, _ = synthetic.scene(seed, size=(120, 200))
        Image.fromarray(image).save(folder / f"{seed:02}.png")
    (folder / "text.png").write_text("none")
    return folder
