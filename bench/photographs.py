"""What is sent: generated streets, or photographs of a folder, as JPEG in memory. Nothing is written anywhere."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from bench.contenders import Contender
from bench.driver import BOUNDARY, Job, form

GENERATED_SIZE = (1024, 2048)
GENERATED_QUALITY = 90
CONVERTED_QUALITY = 95
GENERATED = "generated"
PHOTOGRAPHS = "photographs"
_SUFFIXES = {".jpg", ".jpeg", ".png"}


class Set(NamedTuple):
    """JPEG files of one origin.

    Attributes:
        name: `GENERATED` or `PHOTOGRAPHS`; results are kept by it.
        what: one line for the report.
        files: their contents.
        sizes: (height, width) of each.
    """

    name: str
    what: str
    files: list[bytes]
    sizes: list[tuple[int, int]]


def generated(count: int) -> Set:
    """Draw streets, from the seeds 0, 1, ..."""
    from model.data import synthetic

    pictures = [Image.fromarray(synthetic.scene(seed, size=GENERATED_SIZE)[0]) for seed in range(count)]
    files = [_jpeg(picture, GENERATED_QUALITY) for picture in pictures]
    height, width = GENERATED_SIZE
    what = f"{count} generated streets, {width} x {height}, JPEG quality {GENERATED_QUALITY}, {_kilobytes(files)}"
    return Set(GENERATED, what, files, [GENERATED_SIZE] * count)


def folder(path: Path, count: int) -> Set:
    """Read the first photographs, by name, of a folder and those in it; what is no JPEG is converted in memory.

    Raises:
        ValueError: there is none.
    """
    # The masks of Cityscapes lie beside its photographs.
    found = (name for name in path.rglob("*") if name.suffix.lower() in _SUFFIXES and "_gtFine_" not in name.name)
    names = sorted(found)[:count]
    if not names:
        raise ValueError(f"No JPEG or PNG file in {str(path)!r}. Expected a folder with photographs.")
    files, sizes, converted = [], [], 0
    for name in names:
        with Image.open(name) as picture:
            sizes.append(picture.size[::-1])
            if picture.format == "JPEG":
                files.append(name.read_bytes())
            else:
                files.append(_jpeg(picture.convert("RGB"), CONVERTED_QUALITY))
                converted += 1
    shapes = ", ".join(sorted({f"{width} x {height}" for height, width in sizes}))
    how = f", {converted} of them converted to JPEG quality {CONVERTED_QUALITY}" if converted else ""
    what = f"{len(files)} street photographs, {shapes}{how}, {_kilobytes(files)}"
    return Set(PHOTOGRAPHS, what, files, sizes)


def job(pictures: Set, contender: Contender, port: int, *, json: bool = False, **options: object) -> dict:
    """Return a `driver.Job`, ready for JSON, that sends these pictures to a contender.

    Args:
        pictures: what to send.
        contender: says where to and how.
        port: that it listens on.
        json: ask for the JSON answer instead of the overlay.
        **options: the rest of the fields of `Job`.
    """
    bodies = [form(file) if contender.multipart else file for file in pictures.files]
    known = set(Job.__dataclass_fields__)
    if unknown := set(options) - known:
        raise ValueError(f"Received {sorted(unknown)}. Expected fields of Job: {sorted(known)}.")
    return {
        "port": port,
        "path": contender.json if json else contender.overlay,
        "kind": "json" if json else "png",
        "bodies": [base64.b64encode(body).decode() for body in bodies],
        "content_type": f"multipart/form-data; boundary={BOUNDARY}" if contender.multipart else "image/jpeg",
        "sizes": pictures.sizes,
        **options,
    }


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _kilobytes(files: list[bytes]) -> str:
    sizes = sorted(len(file) for file in files)
    return f"{sizes[0] / 1000:.0f} to {sizes[-1] / 1000:.0f} kB"
