"""The COCO documents of single images -> one of all, as tools for annotation import it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import BinaryIO

from model.inference.archive import COCO_PATH
from model.inference.batch.output import Output


def write(entries: Callable[[], Iterator[dict]], output: Output) -> None:
    """Write the document that `/predict?format=coco` gives for all images at once, one image in memory at a time.

    Images are called by their paths below what was named, and numbered by rising name.

    Args:
        entries: starts anew over the manifest's entries, by rising name.
        output: holds their documents, and receives the whole as `archive.COCO_PATH`.
    """
    paths = [(entry["file"], entry["outputs"]["coco"][0]) for entry in entries() if "coco" in entry["outputs"]]
    if not paths:
        return
    documents = [(file, lambda path=path: json.loads((output.folder / path).read_bytes())) for file, path in paths]
    new = output.new_path()
    with new.open("wb") as out:
        _write(out, documents)
    output.place(new, COCO_PATH)


def _write(out: BinaryIO, documents: list[tuple[str, Callable[[], dict]]]) -> None:
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
