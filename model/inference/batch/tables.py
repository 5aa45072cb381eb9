"""How much of each category the images hold, as tables: long, a row for each image and category, and wide, one each.

CSV for every program there is, and Parquet, which keeps types and reads fast, for data frames.
"""

from __future__ import annotations

import csv
import importlib
import importlib.util
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from model import categories
from model.inference.batch.output import Output
from model.inference.representations import counted

KINDS = ("csv", "parquet")

_OF_IMAGE = ("file", "width", "height", "familiarity", "model")
LONG = (*_OF_IMAGE[:3], "id", "name", "color", "pixels", "coverage", "mean_confidence", *_OF_IMAGE[3:])
"""Columns of the long table: those of `/predict?format=csv` but for the number of the image."""

_ROWS = 10_000


def wide(chosen: Sequence[int]) -> tuple[str, ...]:
    """Return the columns of the wide table: after the image's own, the coverage of each chosen category, 0 to 1."""
    return (*_OF_IMAGE, "mean_confidence", *(categories.NAMES[id] for id in sorted(chosen)))


def write(
    kinds: Sequence[str], entries: Callable[[], Iterator[dict]], output: Output, *, chosen: Sequence[int]
) -> None:
    """Write both tables of all images, a few thousand rows in memory at a time.

    Args:
        kinds: out of `KINDS`.
        entries: starts anew over the manifest's entries, by rising name.
        output: receives `coverage-long` and `coverage-wide`, each in every kind.
        chosen: ids of the categories that were counted.
    """
    for name, columns, rows in (("long", LONG, _long_rows), ("wide", wide(chosen), _wide_rows)):
        for kind in kinds:
            new = output.new_path()
            writer = _write_csv if kind == "csv" else _write_parquet
            writer(new, columns, (row for entry in entries() if "categories" in entry for row in rows(entry)))
            output.place(new, f"coverage-{name}.{kind}")


def check(kinds: Sequence[str]) -> None:
    """Refuse with a `ValueError` what cannot be written here."""
    if "parquet" in kinds and importlib.util.find_spec("pyarrow") is None:
        raise ValueError("Parquet needs pyarrow, which is not installed: `pip install pyarrow`, or say --tables csv.")


def csv_bytes(rows: Iterable[Sequence]) -> bytes:
    """Return a small CSV, UTF-8."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8")


def _long_rows(entry: dict) -> Iterator[tuple]:
    size = entry["image"]["width"], entry["image"]["height"]
    for row in entry["categories"]:
        yield (entry["file"], *size, *counted(row), entry["familiarity"], entry["model"])


def wide_record(entry: dict) -> dict:
    """Return an image's row of the wide table by column, without its file.

    Args:
        entry: of the image, as the manifest has it.
    """
    (row,) = _wide_rows({"file": None, **entry})
    chosen = [each["id"] for each in entry["categories"]]
    return dict(zip(wide(chosen)[1:], row[1:], strict=True))


def _wide_rows(entry: dict) -> Iterator[tuple]:
    of_image = entry["file"], entry["image"]["width"], entry["image"]["height"], entry["familiarity"], entry["model"]
    yield (*of_image, entry["mean_confidence"], *(row["coverage"] for row in entry["categories"]))


def _write_csv(path: Path, columns: Sequence[str], rows: Iterator[tuple]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def _write_parquet(path: Path, columns: Sequence[str], rows: Iterator[tuple]) -> None:
    # Loaded only here: the service has no tables, and does not install it.
    arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    schema = arrow.schema([(name, _TYPES.get(name, "float64")) for name in columns])
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while some := list(islice(rows, _ROWS)):
            writer.write_table(arrow.table(list(zip(*some, strict=True)), schema=schema))


# Shares and confidences are float64.
_TYPES = {
    "file": "string",
    "width": "int32",
    "height": "int32",
    "id": "int8",
    "name": "string",
    "color": "string",
    "pixels": "int64",
    "model": "string",
}
