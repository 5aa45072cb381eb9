"""Everything that is wrong with a data set, told at once: up to ten of each kind by name, and how many there are."""

from __future__ import annotations

import threading
from collections import defaultdict

from model.data.samples import MAX_REPORTED

NO_MASK = "images have no mask"
NO_IMAGE = "masks have no image"
TWICE = "names stand twice"
OTHER_CITY = "files lie in the folder of another city"
UNREADABLE = "files can't be read"
SIZES = "masks are not of their image's size"
UNKNOWN_IDS = "masks hold unknown ids"
PLACEHOLDER = "masks are placeholders"
UNLABELLED = "masks hold no category"

ADVICE = {
    NO_MASK: "Expected one mask for every image: add the masks or remove the images.",
    NO_IMAGE: "Expected one image for every mask: add the images or remove the masks.",
    TWICE: "Expected one image and one mask of a name: remove the others.",
    OTHER_CITY: "Splits go by city, so this would let one leak into another: move them.",
    UNREADABLE: "Expected whole PNG or JPEG files: download or unpack them again.",
    SIZES: "Expected the same size: pair them again, or resize the masks by nearest neighbour.",
    UNKNOWN_IDS: "Expected the ids of the layout: convert the masks first.",
    PLACEHOLDER: (
        "Not one of their pixels belongs to a category, as in the official gtFine/test, whose true masks are not "
        "published. Nothing can be learnt from these, nor scored on them: leave these images out of every split."
    ),
    UNLABELLED: (
        "Not one of their pixels belongs to a category other than void. Nothing can be learnt from these, nor scored "
        "on them: label them, take them out, or, where the whole test folder is like that, remove or rename it."
    ),
}
"""How to mend each kind, in the order in which they are told."""


class Problems:
    """Collects what is wrong; several threads may add."""

    def __init__(self) -> None:
        """Begin with none."""
        self._texts: dict[str, list[str]] = defaultdict(list)
        self._lock = threading.Lock()

    def add(self, kind: str, text: str) -> None:
        """Note one problem of a kind of this module; the text names the file."""
        with self._lock:
            self._texts[kind].append(text)

    def __bool__(self) -> bool:
        return bool(self._texts)

    def refuse(self) -> None:
        """Go on where there are none.

        Raises:
            ValueError: there are some; the message names up to ten of each kind, their number, and how to mend them.
        """
        if self._texts:
            raise ValueError("\n".join(self._told(kind) for kind in ADVICE if kind in self._texts))

    def _told(self, kind: str) -> str:
        texts = sorted(self._texts[kind])
        shown = "\n  ".join(texts[:MAX_REPORTED])
        more = f"\n  and {len(texts) - MAX_REPORTED} more" if len(texts) > MAX_REPORTED else ""
        return f"{len(texts)} {kind}:\n  {shown}{more}\n{ADVICE[kind]}"
