"""The COCO and GeoJSON documents of single images -> one of all, as annotation tools and maps read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import BinaryIO

from model.inference.archive import COCO_PATH
from model.inference.batch.output import Output

GEOJSON_PATH = "coverage.geojson"
"""Of the points of all images, below the folder of answers."""


def write_coco(entries: Callable[[], Iterator[dict]], output: Output) -> None:
    """Write the document that `/predict?format=coco` gives for all images at once, one image in memory at a time.

    Images are called by their paths below what was named, and numbered by rising name.

    Args:
        entries: starts anew over the manifest's entries, by rising name.
        output: holds their documents, and receives the whole as `archive.COCO_PATH`.
    """
    documents = [(file, lambda path=path: json.loads(output.read(path))) for file, path in _files(entries, "coco")]
    if not documents:
        return
    new = output.new_path()
    with new.open("wb") as out:
        _write_coco(out, documents)
    output.place(new, COCO_PATH)


def write_geojson(entries: Callable[[], Iterator[dict]], output: Output) -> None:
    """Write one GeoJSON feature collection (RFC 7946, section 3.3) of all images, one image in memory at a time.

    Args:
        entries: starts anew over the manifest's entries, by rising name.
        output: holds their features, and receives the whole as `GEOJSON_PATH`.
    """
    new = output.new_path()
    with new.open("wb") as out:
        out.write(b'{"type": "FeatureCollection", "features": [')
        for number, (_, path) in enumerate(_files(entries, "geojson")):
            out.write((b",\n" if number else b"\n") + output.read(path))
        out.write(b"\n]}\n")
    output.place(new, GEOJSON_PATH)


def _files(entries: Callable[[], Iterator[dict]], format: str) -> list[tuple[str, str]]:
    """List each image that has an answer in this format, and its path below the folder."""
    return [(entry["file"], entry["outputs"][format][0]) for entry in entries() if format in entry["outputs"]]


def _write_coco(out: BinaryIO, documents: list[tuple[str, Callable[[], dict]]]) -> None:
    """Write by hand what is around the lists, and the lists entry by entry, as `json.dumps` would."""
    head = documents[0][1]()
    for key in ("info", "licenses", "categories"):
        out.write((b"{" if key == "info" else b", ") + _json(key) + b": " + _json(head[key]))
    out.write(b', "images": [')
    for number, (file, read) in enumerate(documents, start=1):
        (image,) = read()["images"]
        out.write((b", " if number > 1 else b"") + _json(image | {"id": number, "file_name": file}))
    out.write(b'], "annotations": [')
    count = 0
    for number, (_, read) in enumerate(documents, start=1):
        for annotation in read()["annotations"]:
            count += 1
            out.write((b", " if count > 1 else b"") + _json(annotation | {"id": count, "image_id": number}))
    out.write(b"]}")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8")
