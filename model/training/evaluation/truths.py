"""The ground truth of samples, read from their masks, or from a file that keeps it for the next time.

Array contract: see `model.training.evaluation.truth`.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from model import categories
from model.data import camvid, cityscapes, folders
from model.data.instances import connected_instances, read_instances
from model.data.samples import Example, Sample
from model.training.evaluation import label_files, truth
from model.training.evaluation.truth import Truth

FILE = "truths.npz"
_FORMAT = 1


def of_sample(sample: Sample, example: Example | None = None) -> Truth:
    """Read the ground truth of a sample, without its photograph where that can be avoided.

    Where nobody drew instances, connected pixels of one label stand in for them (`Truth.annotated` is then False).

    Args:
        sample: of any data set.
        example: what it reads, if that is there already.

    Raises:
        ValueError: a file can't be read, holds unknown ids, or differs in size; the message names it.
    """
    path = cityscapes.label_ids_path(sample)
    if path is None:
        label_ids = truth.official_label_ids(sample.read() if example is None else example)
    else:
        label_ids = label_files.read(path)
    # A sample of another layout may come at another size than the files it was made from.
    instance_ids = None if path is None else read_instances(sample)
    annotated = instance_ids is not None
    if instance_ids is not None and instance_ids.shape != label_ids.shape:
        raise ValueError(
            f"{sample.instances_path} is {instance_ids.shape}, the mask {label_ids.shape} (height, width). Expected "
            "the same size: resize both by nearest neighbour, or remove the instances."
        )
    found = connected_instances(label_ids) if instance_ids is None else instance_ids
    cut = truth.from_arrays(label_ids, found, annotated=annotated)
    if path is not None:
        _refuse_unknown(cut, path)
    return cut


def of_samples(samples: Sequence[Sample], *, cache: Path | None = None, workers: int = 2) -> list[Truth]:
    """Read the ground truth of many samples.

    Args:
        samples: of any data set.
        cache: folder that keeps what was read in one file, `truths.npz`, and gives it back while no mask has changed;
            made when absent. For masks that are files, read as they are.
        workers: threads that read.

    Raises:
        ValueError: as `of_sample`; a cache for masks that are no files of their own, or that can't be read.
    """
    if cache is not None and not all(map(_reads_its_file, samples)):
        raise ValueError(
            "Received --cache with masks that are generated, resized by prepare or in an archive: nothing tells when "
            "they change. Expected masks that are files of their own: leave --cache out."
        )
    key = None if cache is None else _key(samples)
    kept = None if cache is None else _kept(cache / FILE, key)
    if kept is not None:
        return kept
    with ThreadPoolExecutor(workers) as pool:
        truths = list(pool.map(of_sample, samples))
    if cache is not None:
        _keep(cache / FILE, key, truths)
    return truths


def _refuse_unknown(cut: Truth, path: Path) -> None:
    try:
        # Of the few labels that an image has, not of its millions of pixels.
        categories.from_label_ids(cut.labels)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _reads_its_file(sample: Sample) -> bool:
    """Tell whether what is read follows from the file at `mask_path` alone."""
    layouts = (cityscapes.__name__, camvid.__name__, folders.__name__)
    return getattr(getattr(sample.load, "func", None), "__module__", None) in layouts and sample.mask_path.is_file()


def _key(samples: Iterable[Sample]) -> str:
    """Return what changes when a mask does: every name with the size and the time of its files."""
    files = [
        [sample.name, *(_stamp(path) for path in (sample.mask_path, sample.instances_path) if path is not None)]
        for sample in samples
    ]
    return json.dumps([_FORMAT, files])


def _stamp(path: Path) -> list:
    found = path.stat()
    return [str(path), found.st_size, found.st_mtime_ns]


def _keep(path: Path, key: str, truths: Sequence[Truth]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # For a process of its own, so that two that write at once do not write into one file.
    partial = path.with_name(f"{path.stem}.{os.getpid()}.partial.npz")
    parts = {name: [getattr(each, name) for each in truths] for name in ("starts", "segments", "labels", "instances")}
    np.savez(
        partial,
        key=key,
        sizes=[each.size for each in truths],
        annotated=[each.annotated for each in truths],
        runs=[len(each.starts) for each in truths],
        counts=[len(each.labels) for each in truths],
        **{name: np.concatenate(arrays) for name, arrays in parts.items()},
    )
    os.replace(partial, path)


def _kept(path: Path, key: str) -> list[Truth] | None:
    """Return what was kept, None where nothing was, or of other masks."""
    if not path.is_file():
        return None
    try:
        # NumPy leaves a file open that turns out to be none of its own.
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as saved:
            return list(_unpacked(dict(saved))) if str(saved["key"]) == key else None
    except (ValueError, KeyError, OSError, EOFError, BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path} can't be read: {error}. Expected what an earlier evaluate kept there: remove it."
        ) from error


def _unpacked(arrays: dict[str, np.ndarray]) -> Iterator[Truth]:
    runs, counts = np.cumsum(arrays["runs"])[:-1], np.cumsum(arrays["counts"])[:-1]
    each = zip(
        arrays["sizes"].tolist(),
        np.split(arrays["starts"], runs),
        np.split(arrays["segments"], runs),
        np.split(arrays["labels"], counts),
        np.split(arrays["instances"], counts),
        arrays["annotated"].tolist(),
        strict=True,
    )
    for size, *parts in each:
        yield Truth(tuple(size), *parts)
