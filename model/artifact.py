"""The folder that training makes and serving loads: the Keras network, its compiled siblings, `card.json`, `card.md`.

The network's files carry the card's name: for the name `unet` they are `unet.keras`, `unet.openvino.xml` and
`unet.openvino.int8.xml`. `card.json` is the contract between the two halves. Serving takes size,
normalisation, category names and scores from it, never from constants of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from model import categories

FORMAT = 1
STRIDE = 32
"""Sides of what a network takes are multiples of it: its encoder halves them five times."""
MOST_SIDE = 128 * STRIDE
CARD_FILE = "card.json"
DEFAULT_FOLDER = Path(__file__).resolve().parent / "artifacts" / "unet"

_REQUIRED = {
    "format": int,
    "name": str,
    "keras_sha256": str,
    "input": dict,
    "categories": list,
    "training": dict,
    "scores": dict,
    "terms": dict,
}
_NUMBER = (int, float)
_REQUIRED_INPUT = {"height": int, "width": int, "mean": _NUMBER, "std": _NUMBER}


class ArtifactError(ValueError):
    """The artifact folder is missing, incomplete, or does not belong together."""


@dataclass(frozen=True)
class Artifact:
    """A network with all that is known about it.

    Attributes:
        folder: where its files are.
        card: the parsed `card.json`.
    """

    folder: Path
    card: dict

    @property
    def keras_path(self) -> Path:
        return self.folder / f"{self.card['name']}.keras"

    @property
    def openvino_path(self) -> Path:
        return self.folder / f"{self.card['name']}.openvino.xml"

    @property
    def int8_path(self) -> Path:
        return self.folder / f"{self.card['name']}.openvino.int8.xml"

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels of the network's input."""
        return self.card["input"]["height"], self.card["input"]["width"]

    @property
    def exported_size(self) -> tuple[int, int]:
        """(height, width) that the compiled files and the card's scores are of: `size`, unless `at` chose another."""
        found = self.card["input"].get("exported", self.card["input"])
        return found["height"], found["width"]

    @property
    def stride(self) -> int:
        """What the sides of its input are multiples of."""
        return self.card["input"].get("stride", STRIDE)

    @property
    def normalisation(self) -> dict[str, float]:
        """The `mean` and `std` that `preprocessing.normalise` takes, in pixel values."""
        return {"mean": self.card["input"]["mean"], "std": self.card["input"]["std"]}

    @property
    def names(self) -> tuple[str, ...]:
        """Category names by id."""
        return tuple(category["name"] for category in self.card["categories"])

    @property
    def version(self) -> str:
        """Name and first 12 digits of the network's SHA-256, as in the `X-Model-Version` header.

        At another size than that of its scores it gives other answers, so that WIDTHxHEIGHT is part of it then.
        """
        name = f"{self.card['name']}-{self.card['keras_sha256'][:12]}"
        return name if self.size == self.exported_size else f"{name}-{self.size[1]}x{self.size[0]}"

    def at(self, size: tuple[int, int]) -> Artifact:
        """Return the same network with photographs brought to another size.

        Args:
            size: (height, width), multiples of `stride` up to 4096.

        Raises:
            ValueError: another size than that.
        """
        if not is_input_size(size, self.stride):
            raise ValueError(
                f"Received the input size {size[1]}x{size[0]}. Expected a width and a height that are multiples of "
                f"{self.stride}, up to {MOST_SIDE:,}; the scores of this network are of "
                f"{self.exported_size[1]}x{self.exported_size[0]}."
            )
        exported = dict(zip(("height", "width"), self.exported_size, strict=True))
        chosen = {"height": size[0], "width": size[1], "exported": exported}
        return Artifact(self.folder, self.card | {"input": self.card["input"] | chosen})

    def compiled_path(self, precision: str) -> Path:
        """Return the compiled file that runs at a precision: bfloat16 is arithmetic on the float file.

        Raises:
            ValueError: no compiled file runs at it.
        """
        paths = {"f32": self.openvino_path, "bf16": self.openvino_path, "int8": self.int8_path}
        if precision not in paths:
            raise ValueError(f"Received the precision {precision!r}. Expected one of {', '.join(paths)}.")
        return paths[precision]

    def export_command(self, path: Path) -> str:
        """Return the command line that makes this one of the compiled files."""
        command = f"python -m model export --artifact {self.folder}"
        return f"{command} --data FOLDER" if path == self.int8_path else command


def is_input_size(size: tuple[int, int], stride: int = STRIDE) -> bool:
    """Tell whether networks whose sides are multiples of `stride` take this (height, width)."""
    return all(side % stride == 0 and stride <= side <= MOST_SIDE for side in size)


def read(folder: str | Path) -> Artifact:
    """Read an artifact folder.

    Args:
        folder: holds `card.json` and the network that it names.

    Returns:
        The artifact. The network itself is not loaded, nor hashed: `verify` does that.

    Raises:
        ArtifactError: a file is missing, the card is not JSON, lacks a field, or names other categories.
    """
    folder = Path(folder)
    _check_file(folder / CARD_FILE)
    try:
        card = json.loads((folder / CARD_FILE).read_text("utf-8"))
    except ValueError as error:
        raise ArtifactError(f"{folder / CARD_FILE} is not JSON: {error}. Write it anew with `train`.") from error
    _check_card(card, folder / CARD_FILE)
    found = Artifact(folder, card)
    _check_file(found.keras_path)
    return found


def verify(artifact: Artifact) -> None:
    """Check that the network is the one the card describes.

    Raises:
        ArtifactError: the file's SHA-256 differs from the card's.
    """
    actual = sha256(artifact.keras_path)
    if actual != artifact.card["keras_sha256"]:
        raise ArtifactError(
            f"{artifact.keras_path} has SHA-256 {actual}. Its card was written for {artifact.card['keras_sha256']}. "
            "Put the matching files together, or write the card anew with `python -m model train`."
        )


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise ArtifactError(
            f"No {path.name} in {str(path.parent)!r}. Expected an artifact folder as `python -m model train` writes it."
        )


def _check_card(card: object, path: Path) -> None:
    _check_fields(card, _REQUIRED, path, "")
    _check_fields(card["input"], _REQUIRED_INPUT, path, "input.")
    if card["format"] != FORMAT:
        raise ArtifactError(f"{path} has format {card['format']}. Expected {FORMAT}.")
    # The files are named after it, so it must not lead out of the folder.
    if not re.fullmatch(r"\w[\w.-]*", card["name"]):
        raise ArtifactError(f"{path} has the name {card['name']!r}. Expected letters, digits, '_', '-' and '.'.")
    names = [category.get("name") if isinstance(category, dict) else category for category in card["categories"]]
    if names != list(categories.NAMES):
        raise ArtifactError(f"{path} names the categories {names}. Expected {list(categories.NAMES)}.")


def _check_fields(found: object, required: dict[str, type | tuple[type, ...]], path: Path, prefix: str) -> None:
    for field, kind in required.items():
        if not isinstance(found, dict) or not isinstance(found.get(field), kind):
            wanted = "number" if kind is _NUMBER else kind.__name__
            raise ArtifactError(
                f"{path} has no {prefix + field!r} of type {wanted}. Expected a card of format {FORMAT}, as "
                "`python -m model train` writes it."
            )


def describe(*, size: tuple[int, int], mean: float, std: float, stride: int = STRIDE) -> dict:
    """Return the card fields that serving lives on, for a network of this input size (height, width)."""
    sides = {"height": size[0], "width": size[1]} | ({} if stride == STRIDE else {"stride": stride})
    return {
        "format": FORMAT,
        "input": {**sides, "channels": "RGB", "mean": mean, "std": std},
        "categories": [
            {"id": category.id, "name": category.name, "color": list(category.color)}
            for category in categories.CATEGORIES
        ],
    }


def write_card(folder: str | Path, card: dict) -> None:
    """Write `card.json` in one step, so that a reader never sees half of it."""
    path = Path(folder) / CARD_FILE
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", "utf-8")
    os.replace(partial, path)


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
