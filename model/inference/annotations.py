"""From labels to the annotations that other tools read: COCO's run lengths, polygons, COCO documents.

Array contract: `labels` uint8 (height, width) category ids 0 to 7; `mask` bool or uint8 (height, width), not 0 inside.

pycocotools encodes the same run lengths, but one category at a time, and would be one more compiled library in the
service; tests hold ours against it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from model import categories
from model.inference.counting import category_table
from model.inference.polygons import trace

# A number of 64 bits in groups of five.
_MOST_GROUPS = 13


class Annotated(NamedTuple):
    """One image of a COCO document: the name of its file, its (height, width), and what `coco_annotations` gave."""

    file_name: str
    size: tuple[int, int]
    annotations: list[dict]


def rle(labels: np.ndarray, *, chosen: Collection[int] = range(categories.COUNT)) -> dict[int, dict]:
    """Encode the pixels of each category as COCO's compressed run lengths.

    Args:
        labels: uint8 (height, width), category ids.
        chosen: ids of the categories to encode.

    Returns:
        By category id, only of those that have a pixel: `size` [height, width] and `counts`, as
        `pycocotools.mask.decode` takes them.
    """
    height, width = labels.shape
    # COCO counts down the columns.
    flat = cv2.transpose(labels).reshape(-1)
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    lengths = np.diff(starts, append=flat.size)
    found = flat[starts]
    segments = {}
    for category in sorted(chosen):
        runs = found == category
        if runs.any():
            counts = _compressed(_alternating(starts[runs], lengths[runs], flat.size))
            segments[category] = {"size": [height, width], "counts": counts}
    return segments


def rle_segments(labels: np.ndarray, *, chosen: Collection[int] = range(categories.COUNT)) -> list[dict]:
    """Return `id`, `name` and `rle` of each category that has a pixel; arguments as `rle`."""
    return [
        {"id": category, "name": categories.NAMES[category], "rle": encoded}
        for category, encoded in rle(labels, chosen=chosen).items()
    ]


def polygon_segments(labels: np.ndarray, *, chosen: Collection[int] = range(categories.COUNT)) -> list[dict]:
    """Return `id`, `name` and `geometry`, a GeoJSON MultiPolygon, of each category that has a pixel.

    Args:
        labels: uint8 (height, width), category ids.
        chosen: ids of the categories to trace.

    Returns:
        One entry a category. Coordinates are those of `polygons.trace`.
    """
    return [
        {
            "id": category,
            "name": categories.NAMES[category],
            "geometry": {"type": "MultiPolygon", "coordinates": trace(labels == category)},
        }
        for category in np.unique(labels).tolist()
        if category in chosen
    ]


def coco_annotations(labels: np.ndarray, *, chosen: Collection[int] = range(categories.COUNT)) -> list[dict]:
    """Annotate an image, for `coco_document` to put together with others.

    Void has no annotation: in COCO it is what pixels without one are. An id of 0 would be lost besides: Datumaro, by
    which CVAT imports, takes it for none (1.13).

    Args:
        labels: uint8 (height, width), category ids.
        chosen: ids of the categories to annotate.

    Returns:
        One annotation for each category but void that has a pixel: `category_id`, `segmentation` (as `rle` gives it),
        `area` in pixels, `bbox` [x, y, width, height] and `iscrowd` 1.
    """
    annotations = []
    for category, encoded in rle(labels, chosen=_named(chosen)).items():
        mask = (labels == category).view(np.uint8)
        annotations.append(
            {
                "category_id": category,
                "segmentation": encoded,
                "area": cv2.countNonZero(mask),
                "bbox": list(cv2.boundingRect(mask)),
                # A category is stuff, not a thing: one region for all of it. COCO writes such as a crowd, in RLE.
                "iscrowd": 1,
            }
        )
    return annotations


def coco_document(
    images: Sequence[Annotated],
    *,
    version: str,
    palette: np.ndarray = categories.PALETTE,
    chosen: Collection[int] = range(categories.COUNT),
) -> dict:
    """Put images together as one COCO document.

    Args:
        images: in order.
        version: of the network.
        palette: uint8 (8, 3), the colours to name.
        chosen: ids of the categories to list.

    Returns:
        Ready for JSON. Images and annotations are numbered from 1; category ids are ours, 1 to 7.
    """
    listed, annotations = [], []
    for number, image in enumerate(images, start=1):
        height, width = image.size
        listed.append({"id": number, "file_name": image.file_name, "height": height, "width": width})
        for annotation in image.annotations:
            annotations.append({"id": len(annotations) + 1, "image_id": number, **annotation})
    table = category_table(palette, chosen=_named(chosen))
    return {
        "info": {"description": f"Made by streetseg with {version}", "version": version},
        "licenses": [],
        "categories": [entry | {"supercategory": entry["name"]} for entry in table],
        "images": listed,
        "annotations": annotations,
    }


def _named(chosen: Collection[int]) -> set[int]:
    return set(chosen) - {categories.VOID}


def _alternating(starts: np.ndarray, lengths: np.ndarray, total: int) -> np.ndarray:
    """Return int64: how many pixels are outside, inside, outside... of runs of at least one pixel, in turn."""
    ends = starts + lengths
    counts = np.empty(2 * len(starts) + 1, np.int64)
    counts[0] = starts[0]
    counts[2:-1:2] = starts[1:] - ends[:-1]
    counts[1::2] = lengths
    counts[-1] = total - ends[-1]
    return counts if counts[-1] else counts[:-1]


def _compressed(counts: np.ndarray) -> str:
    """Write run lengths as COCO does: `rleToString` of cocoapi, `common/maskApi.c`.

    From the fourth on, a count becomes its difference to the one before the last. Each is written in groups of five
    bits, the lowest first, with a sixth bit for "more follow", from the letter "0" up.
    """
    rest = counts.copy()
    rest[3:] -= counts[1:-2]
    letters = np.zeros((len(rest), _MOST_GROUPS), np.uint8)
    going = np.arange(len(rest))
    for group in range(_MOST_GROUPS):
        bits = rest[going] & 0x1F
        rest[going] >>= 5
        # The fifth bit is the sign, unless more follow.
        more = rest[going] != np.where(bits & 0x10, -1, 0)
        letters[going, group] = bits + np.where(more, 0x20, 0) + 48
        going = going[more]
        if not len(going):
            break
    return letters[letters > 0].tobytes().decode("ascii")
