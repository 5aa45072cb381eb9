"""The eight categories: THE single source of ids, names, colours and the mapping of Cityscapes labels to them.

Array contract: `labels` uint8 (height, width) of category ids 0 to 7, and `IGNORE` (255) where there is no ground
truth; `label_ids` uint8 (height, width) of official Cityscapes label ids. Colours are (red, green, blue), 0 to 255.

Source of the label table: cityscapesScripts, `cityscapesscripts/helpers/labels.py`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Category(NamedTuple):
    """One of the eight categories.

    Attributes:
        id: 0 to 7, the index of the network's output channel.
        name: as Cityscapes spells it.
        color: the official colour of one of its labels, as (red, green, blue): of the commonest, but for objects the
            traffic sign's yellow, since the pole's grey can't be told from construction's.
        export_label_id: the official label id written for this category, one that the official scripts score.
    """

    id: int
    name: str
    color: tuple[int, int, int]
    export_label_id: int


class CityscapesLabel(NamedTuple):
    """One official label: its id, its name, the category it belongs to, and whether official scoring ignores it."""

    id: int
    name: str
    category: str
    ignored: bool


CATEGORIES: tuple[Category, ...] = (
    Category(0, "void", (0, 0, 0), 0),
    Category(1, "flat", (128, 64, 128), 7),
    Category(2, "construction", (70, 70, 70), 11),
    Category(3, "object", (220, 220, 0), 17),
    Category(4, "nature", (107, 142, 35), 21),
    Category(5, "sky", (70, 130, 180), 23),
    Category(6, "human", (220, 20, 60), 24),
    Category(7, "vehicle", (0, 0, 142), 26),
)

CITYSCAPES_LABELS: tuple[CityscapesLabel, ...] = (
    CityscapesLabel(0, "unlabeled", "void", True),
    CityscapesLabel(1, "ego vehicle", "void", True),
    CityscapesLabel(2, "rectification border", "void", True),
    CityscapesLabel(3, "out of roi", "void", True),
    CityscapesLabel(4, "static", "void", True),
    CityscapesLabel(5, "dynamic", "void", True),
    CityscapesLabel(6, "ground", "void", True),
    CityscapesLabel(7, "road", "flat", False),
    CityscapesLabel(8, "sidewalk", "flat", False),
    CityscapesLabel(9, "parking", "flat", True),
    CityscapesLabel(10, "rail track", "flat", True),
    CityscapesLabel(11, "building", "construction", False),
    CityscapesLabel(12, "wall", "construction", False),
    CityscapesLabel(13, "fence", "construction", False),
    CityscapesLabel(14, "guard rail", "construction", True),
    CityscapesLabel(15, "bridge", "construction", True),
    CityscapesLabel(16, "tunnel", "construction", True),
    CityscapesLabel(17, "pole", "object", False),
    CityscapesLabel(18, "polegroup", "object", True),
    CityscapesLabel(19, "traffic light", "object", False),
    CityscapesLabel(20, "traffic sign", "object", False),
    CityscapesLabel(21, "vegetation", "nature", False),
    CityscapesLabel(22, "terrain", "nature", False),
    CityscapesLabel(23, "sky", "sky", False),
    CityscapesLabel(24, "person", "human", False),
    CityscapesLabel(25, "rider", "human", False),
    CityscapesLabel(26, "car", "vehicle", False),
    CityscapesLabel(27, "truck", "vehicle", False),
    CityscapesLabel(28, "bus", "vehicle", False),
    CityscapesLabel(29, "caravan", "vehicle", True),
    CityscapesLabel(30, "trailer", "vehicle", True),
    CityscapesLabel(31, "train", "vehicle", False),
    CityscapesLabel(32, "motorcycle", "vehicle", False),
    CityscapesLabel(33, "bicycle", "vehicle", False),
    CityscapesLabel(-1, "license plate", "vehicle", True),
)

NAMES: tuple[str, ...] = tuple(category.name for category in CATEGORIES)
COUNT = len(CATEGORIES)
VOID = 0
IGNORE = 255

PALETTE: np.ndarray = np.array([category.color for category in CATEGORIES], np.uint8)
"""uint8 (8, 3): RGB colour by category id."""

# M. Okabe, K. Ito, "Color Universal Design", 2008: all eight of their colours, given so that flat, nature and sky stay
# near the official ones. Under simulated deuteranopia, the official human and nature are nearly one colour.
COLORBLIND_PALETTE: np.ndarray = np.array(
    [
        (0, 0, 0),  # void: black
        (204, 121, 167),  # flat: reddish purple
        (230, 159, 0),  # construction: orange
        (240, 228, 66),  # object: yellow
        (0, 158, 115),  # nature: bluish green
        (86, 180, 233),  # sky: sky blue
        (213, 94, 0),  # human: vermilion
        (0, 114, 178),  # vehicle: blue
    ],
    np.uint8,
)
"""uint8 (8, 3): RGB colour by category id, told apart by people who see red, green or blue weakly or not at all."""

PALETTES: dict[str, np.ndarray] = {"cityscapes": PALETTE, "colorblind": COLORBLIND_PALETTE}

_UNKNOWN = 254


def _category_by_label_id() -> np.ndarray:
    table = np.full(256, _UNKNOWN, np.uint8)
    for label in CITYSCAPES_LABELS:
        # The official label -1 (license plate) wraps to 255 where a tool stores it in eight bits.
        table[label.id % 256] = NAMES.index(label.category)
    return table


def _scored_by_label_id() -> np.ndarray:
    table = np.zeros(256, bool)
    for label in CITYSCAPES_LABELS:
        table[label.id % 256] = not label.ignored
    return table


_CATEGORY_BY_LABEL_ID = _category_by_label_id()
_SCORED_BY_LABEL_ID = _scored_by_label_id()
_EXPORT_LABEL_ID = np.array([category.export_label_id for category in CATEGORIES], np.uint8)


def from_label_ids(label_ids: np.ndarray) -> np.ndarray:
    """Map official Cityscapes label ids to category ids.

    Args:
        label_ids: uint8, any shape, 0 to 33 or 255 (license plate).

    Returns:
        uint8 of the same shape, category ids 0 to 7.

    Raises:
        ValueError: an id that Cityscapes does not define; the message lists them.
    """
    labels = _CATEGORY_BY_LABEL_ID[label_ids]
    if (labels == _UNKNOWN).any():
        unknown = np.unique(label_ids[labels == _UNKNOWN]).tolist()
        raise ValueError(
            f"Unknown label ids {unknown}. Expected official Cityscapes label ids, 0 to 33 (or 255 for license "
            "plates). Masks of train ids or of colours must be converted to label ids first."
        )
    return labels


def scored(label_ids: np.ndarray) -> np.ndarray:
    """Tell which pixels the official category score counts.

    Args:
        label_ids: uint8, any shape, official label ids.

    Returns:
        bool of the same shape, False for void and for labels such as parking that belong to a category but are ignored.
    """
    return _SCORED_BY_LABEL_ID[label_ids]


def to_label_ids(labels: np.ndarray) -> np.ndarray:
    """Map category ids 0 to 7 to the label ids 0, 7, 11, 17, 21, 23, 24, 26 that the official scripts score.

    Args:
        labels: uint8, any shape, category ids 0 to 7.

    Returns:
        uint8 of the same shape.
    """
    return _EXPORT_LABEL_ID[labels]
