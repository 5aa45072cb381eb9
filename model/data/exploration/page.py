"""What the page `explore.html` shows: the numbers with their pictures, in words and formats for people.

Array contract: see `model.data.exploration.gathering`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model import categories, reports
from model.data.augmentation.previews import CROP, REFERENCE
from model.data.exploration import figures, pictures, weights
from model.data.exploration.duplicates import SAME_PICTURE, SAME_PLACE, Pair
from model.data.exploration.findings import findings
from model.data.exploration.gathering import Collection
from model.data.exploration.leaks import Leak
from model.data.exploration.measuring import COUNTED

EXTREMES = 4
AUGMENTED = 4
"""Images that are shown under each preset of augmentation."""
PRESETS = (
    ("none", 1, "The whole image, resized; nothing is varied."),
    ("light", 1, "Crops at nearly the same size, mirrored or not, and mild changes of light and colour."),
    ("standard", 1, "The default. Larger changes of size, light and colour; now and then blur or JPEG artefacts."),
    ("strong", 2, "Weather, night, noise, blur by motion, and things of rare categories copied from other images."),
    ("all_weather", 2, "Changes of size as by default; a fifth of the views in weather, a fifth by night."),
)
"""Name, views of each image (the strongest vary most), and what it does."""
MOST_PAIRS = 8
"""Of one kind that are shown; all are in the JSON."""


def page(
    collection: Collection,
    numbers: dict,
    found: Sequence[Leak],
    *,
    title: str,
    words: tuple[str, str],
    command: str,
) -> str:
    """Write the report.

    Args:
        collection: what was measured.
        numbers: all that was computed from it (`exploring.measure_all`).
        found: what is in two splits.
        title: of the page.
        words: what a group is called, and several.
        command: that repeats this.

    Returns:
        A whole HTML document.
    """
    values = {
        "title": title,
        "word": words[0],
        "words": words[1],
        "command": command,
        "numbers": numbers,
        "categories": categories.CATEGORIES,
        "findings": findings(numbers, groups=words[1]),
        "headline": _headline(collection, numbers, words[1]),
        "samples": [_photographed(collection, one) for one in numbers["representatives"]],
        "maps": [_map(numbers, category.id) for category in categories.CATEGORIES],
        "things": [_thing(collection, numbers, category) for category in COUNTED if _occurs(collection, category)],
        "light": _light(collection),
        "outliers": [_photographed(collection, one) for one in numbers["outliers"]],
        "leaks": [_leak(collection, leak) for leak in found],
        "bars_at": {"picture": SAME_PICTURE, "place": SAME_PLACE},
        "presets": _augmented(collection, numbers),
        "sizes": {"crop": CROP, "reference": REFERENCE},
        "first_split": collection.splits[0],
        "flags": {scheme: weights.flag(numbers["category_weights"][scheme]) for scheme in weights.SCHEMES},
    }
    return reports.render("explore.html", values=values)


def _headline(collection: Collection, numbers: dict, groups: str) -> list[tuple[str, str]]:
    told = [("images", reports.number(numbers["all"]["images"]))]
    if len(numbers["splits"]) > 1:
        told += [(f"of them {name}", reports.number(own["images"])) for name, own in numbers["splits"].items()]
    if len(collection.groups) > 1:
        told.append((groups, reports.number(len(collection.groups))))
    told.append(("pixels each", _sizes(collection.sizes)))
    told.append(("labelled pixels", _short(numbers["all"]["pixels"])))
    return told + [(f"{name} instances", reports.number(own["count"])) for name, own in numbers["things"].items()]


def _sizes(sizes: np.ndarray) -> str:
    height, width = sizes.min(axis=0)
    highest, widest = sizes.max(axis=0)
    if (height, width) == (highest, widest):
        return f"{width}×{height}"
    return f"{width}×{height} to {widest}×{highest}"


def _short(count: int) -> str:
    return f"{reports.number(count / 1e6, 0 if count >= 1e7 else 1)}\u00a0M"


def _photographed(collection: Collection, one: dict) -> dict:
    image, overlay = pictures.image_and_overlay(collection.samples[one["index"]])
    return one | {"image": image, "overlay": overlay}


def _map(numbers: dict, category: int) -> dict:
    name = categories.NAMES[category]
    place = numbers["places"][name]
    shares = np.array(place["map"])
    colors = [f"rgb({' '.join(map(str, color))})" for color in figures.ramp(category)[::51].tolist()]
    return {
        "name": name,
        "uri": reports.image_uri(figures.heat_map(shares, category), lossless=True),
        "scale": ", ".join(colors),
        "largest": place["largest"],
        "where": _where(place),
    }


def _where(place: dict) -> str:
    if place["rows"] is None:
        return "Does not occur."
    top, bottom = (round(100 * share) for share in place["rows"])
    left, right = (round(100 * share) for share in place["columns"])
    return f"Half of its pixels lie {top} to {bottom} % of the way down, half {left} to {right} % of the way across."


def _occurs(collection: Collection, category: int) -> bool:
    return bool((collection.things[:, 1] == category).any())


def _thing(collection: Collection, numbers: dict, category: int) -> dict:
    name = categories.NAMES[category]
    return numbers["things"][name] | {
        "name": name,
        "color": categories.CATEGORIES[category].color,
        "pixels_uri": figures.size_histogram(collection, category),
        "height_uri": figures.height_histogram(collection, category),
    }


def _augmented(collection: Collection, numbers: dict) -> list[dict]:
    chosen = [collection.samples[one["index"]] for one in numbers["representatives"][:AUGMENTED]]
    names, examples = [sample.name for sample in chosen], [sample.read() for sample in chosen]
    return [
        {"name": preset, "words": words, "views": pictures.augmented(names, examples, preset, views=views)}
        for preset, views, words in PRESETS
    ]


def _light(collection: Collection) -> list[dict]:
    told = (
        ("brightness", "Brightness", "mean grey value, 0 to 255", "darkest", "brightest", False),
        ("sharpness", "Sharpness", "variance of the Laplacian", "least sharp", "sharpest", True),
    )
    return [
        {
            "heading": heading,
            "label": label,
            "uri": figures.light_by_group(collection, getattr(collection, name), label=label, logarithmic=logarithmic),
            "extremes": _extremes(collection, getattr(collection, name), low, high),
        }
        for name, heading, label, low, high, logarithmic in told
    ]


def _extremes(collection: Collection, values: np.ndarray, low: str, high: str) -> list[dict]:
    order = np.argsort(values, kind="stable")
    few = min(EXTREMES, len(order) // 2)
    chosen = [(low, index) for index in order[:few]] + [(high, index) for index in order[::-1][:few]]
    return [
        {
            "what": what,
            "name": collection.samples[index].name,
            "value": float(values[index]),
            "uri": pictures.small(collection.samples[index]),
        }
        for what, index in chosen
    ]


def _leak(collection: Collection, leak: Leak) -> dict:
    pictures_found, places = leak.pictures(), leak.places()
    # Where nothing was found, the closest pair shows how far from one picture it is.
    shown = pictures_found or places or leak.found.pairs[:1]
    return {
        "first": leak.first,
        "second": leak.second,
        "compared": leak.found.compared,
        "confirmed": leak.found.confirmed,
        "closest": leak.found.pairs[0].correlation if leak.found.pairs else None,
        "pictures": len(pictures_found),
        "places": len(places),
        "pairs": [_pair(collection, pair) for pair in shown[:MOST_PAIRS]],
    }


def _pair(collection: Collection, pair: Pair) -> dict:
    both = [collection.samples[index] for index in (pair.first, pair.second)]
    return {
        "images": [
            {"name": sample.name, "split": collection.splits[collection.split[index]], "uri": pictures.small(sample)}
            for sample, index in zip(both, (pair.first, pair.second), strict=True)
        ],
        "correlation": pair.correlation,
        "mirrored": pair.mirrored,
    }
