"""How much a photograph looks like the streets that the network was trained on: it labels anything, even a cat.

In a street the categories lie in bands: flat below, vehicles and people over it, buildings and trees over these, sky on
top; each in a few large pieces, and the network is sure of most of them. Of a cat, a document or noise it makes another
picture. So the answer alone tells. It is described by numbers, and a logistic regression, which was shown streets and
things that are none, weighs them (D. Hendrycks, M. Mazeika, T. Dietterich, "Deep Anomaly Detection with Outlier
Exposure", ICLR 2019, arXiv 1812.04606, who train the network itself that way). The familiarity is the share of known
streets, in any weather and from many a viewpoint, that look as strange or stranger.

Array contract: `planes` float32 (categories, height, width), probabilities, as `Segmenter.planes` gives them;
`description` float64 (LENGTH,).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from model.categories import COUNT

LEAST = 0.02
"""Below it, an answer carries a warning."""

WARNING = (
    "The photograph does not look like the streets that the network was trained on: what it says of it means little."
)

BANDS = 8
# Points that are looked at: as many for every photograph, whatever its size.
_ROWS, _COLUMNS = 64, 128
_QUANTILES = (0.02, 0.1, 0.3, 0.6)
# Keep logarithms of what is nowhere finite.
_FLOOR, _LEAST_CHANGE = 0.01, 1e-4

LENGTH = 2 * COUNT * BANDS + 2 * COUNT + BANDS + len(_QUANTILES)
"""Numbers in a description."""


@dataclass(frozen=True)
class Familiarity:
    """What tells streets from anything else.

    Attributes:
        weights: float64 (LENGTH,), of a description; their sum plus `bias` is the strangeness.
        bias: likewise.
        known: float64 (n,), n >= 2, ascending: quantiles, evenly spread from 0 to 1, of how strange streets are.
    """

    weights: np.ndarray
    bias: float
    known: np.ndarray

    def strangeness(self, planes: np.ndarray) -> float:
        """Return how strange an answer is; above 0 it is likelier of something else than of a street."""
        return float(self.weights @ describe(planes) + self.bias)

    def of(self, planes: np.ndarray) -> float:
        """Return the share of known streets that are as strange or stranger, 0 to 1."""
        return self.share(self.strangeness(planes))

    def share(self, strangeness: float) -> float:
        """Return the share of known streets that are as strange as this or stranger, 0 to 1."""
        return float(1 - np.interp(strangeness, self.known, np.linspace(0, 1, len(self.known))))

    def as_dict(self) -> dict:
        """Return what `read` reads, JSON-ready; five digits are more than enough."""
        numbers = {name: [float(f"{value:.5g}") for value in getattr(self, name)] for name in ("weights", "known")}
        return numbers | {"bias": float(f"{self.bias:.5g}")}


def describe(planes: np.ndarray) -> np.ndarray:
    """Describe an answer.

    Args:
        planes: of any size.

    Returns:
        `description`: the logarithm of each category's mean in each band of rows, its standard deviation there, the
        logarithm of how much it changes from point to point, down and across; then the mean doubt (one minus the
        greatest probability) in each band, and quantiles of the greatest probability.
    """
    rows, columns = (
        ((np.arange(count) + 0.5) * (side / count)).astype(np.intp)
        for count, side in zip((_ROWS, _COLUMNS), planes.shape[1:], strict=True)
    )
    places = rows[:, np.newaxis] * planes.shape[2] + columns
    points = planes.reshape(COUNT, -1).take(places, axis=1)
    bands = points.reshape(COUNT, BANDS, -1)
    sureness = points.max(axis=0)
    changes = [np.abs(np.diff(points, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2)]
    parts = (
        np.log(bands.mean(axis=2) + _FLOOR),
        bands.std(axis=2),
        np.log(np.stack(changes) + _LEAST_CHANGE),
        1 - sureness.reshape(BANDS, -1).mean(axis=1),
        _quantiles(sureness),
    )
    return np.concatenate([part.ravel() for part in parts]).astype(np.float64)


def _quantiles(values: np.ndarray) -> np.ndarray:
    """Return `np.quantile` of values, in a fifth of its time."""
    ordered = np.sort(values, axis=None)
    return np.interp(np.multiply(_QUANTILES, ordered.size - 1), np.arange(ordered.size), ordered)


def read(card: Mapping) -> Familiarity | None:
    """Read what a card knows of streets; None where it knows nothing, or was made for another description.

    Args:
        card: parsed `card.json`.
    """
    found = card.get("familiarity")
    if not isinstance(found, Mapping) or len(found.get("weights", ())) != LENGTH or len(found.get("known", ())) < 2:
        return None
    weights, known = (np.array(found[name], np.float64) for name in ("weights", "known"))
    return Familiarity(weights, float(found["bias"]), known)
