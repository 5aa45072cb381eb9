"""Small data sets laid out as the official archives are, with all that lies beside the masks, from noise and ids."""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from model import categories

SIZE = (32, 64)
CITIES = {"train": ("aachen", "ulm", "weimar", "zurich"), "val": ("lindau",), "test": ("berlin",)}
PLACEHOLDER_IDS = (0, 1, 2, 3)


def names(split: str, *, each: int = 2) -> list[str]:
    """Return the frames of an official split, so many of each city."""
    return [f"{city}_{sequence:06d}_000019" for city in CITIES[split] for sequence in range(each)]


def write_dataset(root: Path, *, splits: tuple[str, ...] = ("train", "val", "test"), each: int = 2) -> Path:
    """Write `leftImg8bit` and `gtFine` with all that stands beside the label ids in the official ones."""
    for split in splits:
        for name in names(split, each=each):
            write_frame(root, split, name)
    for folder in ("leftImg8bit", "gtFine"):
        (root / folder / "license.txt").write_text("terms")
    return root


def mask_path(root: Path, name: str, split: str = "train") -> Path:
    """Return where the mask of a frame is."""
    return root / "gtFine" / split / name.partition("_")[0] / f"{name}_gtFine_labelIds.png"


def write_frame(root: Path, split: str, name: str, *, label_ids: np.ndarray | None = None) -> None:
    """Write one frame; its masks hold every label id there is, or in `test` those of the placeholders."""
    city = name.partition("_")[0]
    random = np.random.default_rng(zlib.crc32(name.encode()))
    image_folder, mask_folder = root / "leftImg8bit" / split / city, root / "gtFine" / split / city
    for folder in (image_folder, mask_folder):
        folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(random.integers(0, 256, (*SIZE, 3), np.uint8)).save(image_folder / f"{name}_leftImg8bit.png")
    if label_ids is None:
        label_ids = random.choice(PLACEHOLDER_IDS, SIZE).astype(np.uint8) if split == "test" else all_ids(random)
    start = mask_folder / f"{name}_gtFine"
    Image.fromarray(label_ids).save(f"{start}_labelIds.png")
    Image.fromarray(label_ids.astype(np.uint16)).save(f"{start}_instanceIds.png")
    Image.fromarray(categories.PALETTE[label_ids % categories.COUNT]).save(f"{start}_color.png")
    Path(f"{start}_polygons.json").write_text(json.dumps({"imgHeight": SIZE[0], "imgWidth": SIZE[1], "objects": []}))


def all_ids(random: np.random.Generator) -> np.ndarray:
    """Return uint8 label ids, each of the 34 and the wrapped license plate among them."""
    ids = np.array([*range(34), 255], np.uint8)
    return random.permutation(np.resize(ids, SIZE[0] * SIZE[1])).reshape(SIZE)


def write_archives(root: Path, out: Path) -> tuple[Path, Path]:
    """Pack a data set into two archives as the site gives them: README and license at the top, folders as entries."""
    paths = []
    for folder in ("leftImg8bit", "gtFine"):
        path = out / f"{folder}_trainvaltest.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README", "read me")
            archive.writestr("license.txt", "terms")
            for file in sorted((root / folder).rglob("*")):
                archive.write(file, file.relative_to(root))
        paths.append(path)
    return paths[0], paths[1]
