"""A folder that `python -m model prepare` made: the cache for fast epochs, or the originals where they lie.

Array contract: see `model.data.samples`. Samples of `train`, `val` and `test` come at the cache's size; those of
`train-original` and so on are read from the source, archive or folder, at their own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from model.data.preparation import cache, journal, manifest, reading
from model.data.preparation.archives import is_member
from model.data.preparation.frames import Frame
from model.data.preparation.sources import SYNTHETIC, Source, open_source
from model.data.samples import Sample

ORIGINAL = "-original"

_LABEL_IDS = "_labelIds.png"


def detect(root: Path) -> bool:
    """Tell whether `root` was made by prepare, be it finished or not."""
    return (root / journal.FILE).is_file() or manifest.begins_like_ours(root)


def terms(root: Path) -> tuple[str, str]:
    """Return the name and the terms of the data set that was prepared."""
    source = _manifest(root)["source"]
    return source["layout"], source["terms"]


def splits(root: Path) -> tuple[str, ...]:
    """Name those of `train`, `val` and `test` that were prepared.

    Raises:
        ValueError: the folder is not finished.
    """
    return tuple(_manifest(root)["splits"])


def samples(root: Path, split: str) -> list[Sample]:
    """List the samples of a split.

    Args:
        root: the prepared folder.
        split: `train`, `val`, or `test` where there is one: from the cache, at its size; without a cache, or with
            `-original` behind the split's name, from the source at the original size, which scores should be taken at.

    Returns:
        Samples in the manifest's order.

    Raises:
        ValueError: the folder is not finished, has no such split, lacks its cache, or lost its source.
    """
    found = _manifest(root)
    wanted = split.removesuffix(ORIGINAL)
    if wanted not in found["splits"]:
        names = ", ".join(name + ending for ending in ("", ORIGINAL) for name in found["splits"])
        raise ValueError(f"{root} has no split {split!r}. Expected one of {names}.")
    records = [sample for sample in found["samples"] if sample["split"] == wanted]
    if split.endswith(ORIGINAL) or not found["plan"]["cache"]:
        return _originals(found, records)
    size = found["plan"]["height"], found["plan"]["width"]
    arrays = cache.open_arrays(root, wanted, len(records), size)
    paths = _places(found)
    return [Sample(r["name"], *paths(r), partial(cache.row, arrays, r["row"])) for r in records]


def _manifest(root: Path) -> dict:
    if (root / journal.FILE).is_file():
        raise ValueError(
            f"{root} is not prepared to its end. Expected a finished folder: run the same `python -m model prepare` "
            "again, it goes on where it was."
        )
    return manifest.read(root)


def _places(found: dict) -> Callable[[dict], tuple[Path | None, Path | None]]:
    """Return what tells where the image and the mask of a record lie; nowhere, where they are drawn."""
    if found["source"]["layout"] == SYNTHETIC:
        return lambda record: (None, None)
    paths = [Path(path) for path in found["source"]["paths"]]
    archives = {path.name: path for path in paths}
    # A folder that is gone is no file either, and its files are still named.
    roots = [path for path in paths if not path.is_file()] or paths

    def located(file: dict) -> Path:
        archive, _, member = file["path"].partition("/")
        if is_member(file["stamp"]) and archive in archives:
            return archives[archive] / member
        places = [root / file["path"] for root in roots]
        return next((place for place in places[1:] if place.is_file()), places[0])

    return lambda record: (located(record["image"]), located(record["mask"]))


def _originals(found: dict, records: list[dict]) -> list[Sample]:
    size = found["plan"]["height"], found["plan"]["width"]
    # Samples that are read later open an archive again; until then it is not held.
    with open_source(found["source"]["paths"], synthetic_size=size) as source:
        frames = {frame.name if frame.image is None else frame.image.name: frame for frame in source.frames}
    keys = [record["image"]["path"] or record["name"] for record in records]
    missing = [key for key in keys if key not in frames]
    missing += [
        record["mask"]["path"]
        for key, record in zip(keys, records, strict=True)
        if key in frames and frames[key].mask is None and frames[key].draw is None
    ]
    if missing:
        instead = f", or use the cache by naming the split without {ORIGINAL}" if found["plan"]["cache"] else ""
        raise ValueError(
            f"{len(missing)} images or masks are no longer where they were prepared from, {missing[0]} first. Expected "
            f"them in {', '.join(found['source']['paths'])}: put them back{instead}."
        )
    return [_original(frames[key], source) for key in keys]


def _original(frame: Frame, source: Source) -> Sample:
    image, mask = (None if file is None else file.path for file in (frame.image, frame.mask))
    load = partial(reading.original, frame, source.to_categories)
    return Sample(frame.name, image, mask, load, _instances_path(mask))


def _instances_path(mask: Path | None) -> Path | None:
    """Return the official instance ids beside a mask; those in an archive have no file of their own."""
    if mask is None or not mask.name.endswith(_LABEL_IDS):
        return None
    path = mask.with_name(mask.name.removesuffix(_LABEL_IDS) + "_instanceIds.png")
    return path if path.is_file() else None
