"""Losses for training, by name and in sums, ignored pixels masked out of both prediction and truth in all.

Array contract: `labels` integers (batch, height, width), category ids, `IGNORE` (255) where there is no ground truth;
`logits` (batch, height, width, categories) before softmax, of any float dtype, taken in float32. A loss is a float32
scalar. An ignored pixel has no gradient; a batch of nothing but ignored pixels costs nothing; a category absent from
both batch and prediction costs nothing.

| name | formula for one pixel or one category | parameters |
|---|---|---|
| cross_entropy | -log p | |
| focal | -alpha (1 - p)^gamma log p | alpha=0.25, gamma=2 |
| dice | 1 - (2 TP + s) / (2 TP + FP + FN + s) | smooth=1 |
| jaccard | 1 - (TP + s) / (TP + FP + FN + s) | smooth=1 |
| tversky | 1 - (TP + s) / (TP + alpha FP + beta FN + s) | alpha=0.3, beta=0.7, smooth=1 |
| focal_tversky | the above to the power of gamma | alpha=0.3, beta=0.7, gamma=0.75, smooth=1 |
| lovasz | sorted errors times the Jaccard loss's increments | |
| combo | ratio cross_entropy + (1 - ratio) dice | ratio=0.5, smooth=1 |
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

from model.training.losses.lovasz_softmax import lovasz
from model.training.losses.pixelwise import cross_entropy, focal
from model.training.losses.regions import dice, focal_tversky, jaccard, tversky
from model.training.losses.spec import Term, parse
from model.training.losses.sums import combo, weighted_sum
from model.training.losses.truth import Loss

__all__ = [
    "NAMES",
    "Loss",
    "combo",
    "create",
    "cross_entropy",
    "dice",
    "focal",
    "focal_tversky",
    "jaccard",
    "lovasz",
    "parameters",
    "tversky",
]

_PIXELWISE = {"cross_entropy": cross_entropy, "focal": focal}
_REGIONS = {
    "dice": dice,
    "jaccard": jaccard,
    "tversky": tversky,
    "focal_tversky": focal_tversky,
    "lovasz": lovasz,
}
_MAKERS: dict[str, Callable[..., Loss]] = {**_PIXELWISE, **_REGIONS, "combo": combo}

NAMES = tuple(_MAKERS)


def create(spec: str, *, category_weights: Sequence[float], region_weights: Sequence[float]) -> Loss:
    """Make a loss from its name, or from a sum of names with weights.

    Args:
        spec: such as "cross_entropy + 0.5 * dice" or "tversky(alpha=0.3, beta=0.7)"; the names are `NAMES`, the
            parameters those of the functions of the same name.
        category_weights: what a pixel of each category weighs in the pixelwise losses (cross_entropy, focal, and
            combo's cross-entropy), relative to each other: "cross_entropy" with other weights than 1 is what others
            call weighted cross-entropy.
        region_weights: what each category weighs in the mean of the others, relative to each other; 0 leaves one out.

    Returns:
        A loss of `labels` and `logits`.

    Raises:
        ValueError: the text can't be read, names an unknown loss or parameter, gives one outside its range or a
            negative weight, or `category_weights` or `region_weights` are not one number of at least 0 for each
            category.
    """
    terms = parse(spec)
    for term in terms:
        _check(term)
    return weighted_sum(
        [(term.weight, _make(term, category_weights=category_weights, region_weights=region_weights)) for term in terms]
    )


def parameters(name: str) -> dict[str, float]:
    """Return the parameters of a loss with their defaults.

    Args:
        name: one of `NAMES`.

    Raises:
        ValueError: there is no such loss.
    """
    if name not in _MAKERS:
        raise ValueError(f'There is no loss "{name}". Expected a sum of {", ".join(NAMES)}.')
    defaults = {each.name: each.default for each in inspect.signature(_MAKERS[name]).parameters.values()}
    return {each: default for each, default in defaults.items() if default is not inspect.Parameter.empty}


def _check(term: Term) -> None:
    known = parameters(term.name)
    if unknown := [name for name in term.parameters if name not in known]:
        expected = ", ".join(f"{name}={value:g}" for name, value in known.items()) or "none"
        raise ValueError(f'The loss {term.name} has no parameter "{unknown[0]}". It has: {expected}.')


def _make(term: Term, *, category_weights: Sequence[float], region_weights: Sequence[float]) -> Loss:
    if term.name in _PIXELWISE:
        return _PIXELWISE[term.name](category_weights, **term.parameters)
    if term.name in _REGIONS:
        return _REGIONS[term.name](region_weights, **term.parameters)
    return combo(category_weights, region_weights=region_weights, **term.parameters)
