"""`manifest.json`: what a prepared folder holds, sample by sample, readable by people and by jq.

It says the same for the same source and flags, whenever and however often the work was broken off: no time, no folder
of its own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from model.categories import NAMES
from model.data.preparation import cache

FILE = "manifest.json"
FORMAT = 1
MADE_BY = "python -m model prepare"
_REQUIRED = ("format", "plan", "source", "splits", "samples")
_CACHE_TOLD = {
    "images": "uint8 (samples, height, width, 3) RGB, in the order of the samples' row",
    "labels": "uint8 (samples, height, width) category ids, 255 without ground truth",
    "scored": "uint8 (samples, height, ceil(width / 8)), numpy.packbits of what the official score counts",
}


def plan(*, layout: str, paths: Sequence[Path], size: tuple[int, int], cached: bool, limit: int | None) -> dict:
    """Return what decides the result, JSON-ready; the rule of the splits and the samples' names are added to it."""
    return {
        "format": FORMAT,
        "layout": layout,
        "paths": [str(path) for path in paths],
        "height": size[0],
        "width": size[1],
        "cache": cached,
        "limit": limit,
    }


def compose(plan: dict, records: Mapping[str, Sequence[dict]], *, terms: str, notices: Sequence[str]) -> dict:
    """Put the manifest together.

    Args:
        plan: with the rule of the splits and the samples' names.
        records: of `reading.describe` with split and row, by split, in the order of their rows.
        terms: of the source.
        notices: what was left out or is odd.

    Returns:
        The manifest, JSON-ready.
    """
    settings = {key: value for key, value in plan.items() if key != "samples"}
    files = {split: {kind: cache.path(Path(), split, kind).as_posix() for kind in cache.KINDS} for split in records}
    return {
        "format": FORMAT,
        "made_by": MADE_BY,
        "plan": settings,
        "source": {"layout": plan["layout"], "paths": plan["paths"], "terms": terms},
        "categories": list(NAMES),
        "cache": {"arrays": _CACHE_TOLD, "files": files} if plan["cache"] else None,
        "splits": {split: summary(found) for split, found in records.items()},
        "notices": list(notices),
        "samples": [record for found in records.values() for record in found],
    }


def summary(records: Sequence[dict]) -> dict:
    """Sum up a split's records.

    Returns:
        Images, cities, pixels by category at the sizes of the source, their shares of the pixels with ground truth, the
        images in which each category occurs, and the pixels without ground truth and out of the official score.
    """
    pixels = {name: sum(record["pixels"][name] for record in records) for name in NAMES}
    total = max(1, sum(pixels.values()))
    return {
        "images": len(records),
        "cities": sorted({record["city"] for record in records} - {None}),
        "sizes": sorted({f"{record['width']}x{record['height']}" for record in records}),
        "pixels": pixels,
        "shares": {name: round(count / total, 6) for name, count in pixels.items()},
        "images_with": {name: sum(record["pixels"][name] > 0 for record in records) for name in NAMES},
        "without_truth": sum(record["without_truth"] for record in records),
        "not_scored": sum(record["not_scored"] for record in records),
    }


def write(root: Path, manifest: dict) -> None:
    """Write the manifest in one step, a line for every sample, so that a reader never sees half of it."""
    head = json.dumps({key: value for key, value in manifest.items() if key != "samples"}, indent=2, ensure_ascii=False)
    samples = ",\n    ".join(json.dumps(sample, ensure_ascii=False) for sample in manifest["samples"])
    partial = root / f"{FILE}.partial"
    with open(partial, "w", encoding="utf-8") as file:
        file.write(f'{head.removesuffix("}").rstrip()},\n  "samples": [\n    {samples}\n  ]\n}}\n')
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, root / FILE)


def read(root: Path) -> dict:
    """Read the manifest of a prepared folder.

    Raises:
        ValueError: it is missing, is not JSON, or is not a manifest of this format.
    """
    path = root / FILE
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} can't be read: {error}. Expected what `python -m model prepare` writes.") from error
    if not _is_ours(manifest):
        raise ValueError(f"{path} is no manifest of format {FORMAT}. Expected what `python -m model prepare` writes.")
    return manifest


def begins_like_ours(root: Path) -> bool:
    """Tell whether a folder holds a manifest of prepare, of whatever format, by its first bytes alone."""
    path = root / FILE
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return f'"made_by": "{MADE_BY}"'.encode() in file.read(200)


def _is_ours(manifest: object) -> bool:
    return (
        isinstance(manifest, dict)
        and all(key in manifest for key in _REQUIRED)
        and manifest["format"] == FORMAT
        and isinstance(manifest["samples"], list)
    )


def planned(manifest: dict) -> dict:
    """Return the plan that a manifest was made by, the samples' names with it."""
    names: dict[str, list[str]] = {split: [] for split in manifest["splits"]}
    for sample in manifest["samples"]:
        names[sample["split"]].append(sample["name"])
    return manifest["plan"] | {"samples": names}
