"""A manifest's splits as a table for people."""

from __future__ import annotations

from model.categories import NAMES


def table(manifest: dict) -> str:
    """Return a line for each split: images, cities, and per cent of its pixels with ground truth by category."""
    header = f"{'':<7}{'images':>7}{'cities':>8}" + "".join(f"{name[:9]:>10}" for name in NAMES) + f"{'not scored':>12}"
    lines = [header]
    for split, found in manifest["splits"].items():
        total = sum(found["pixels"].values()) + found["without_truth"]
        shares = "".join(f"{100 * found['shares'][name]:>10.2f}" for name in NAMES)
        cities = len(found["cities"]) or "-"
        lines.append(f"{split:<7}{found['images']:>7}{cities:>8}{shares}{100 * found['not_scored'] / total:>12.2f}")
    lines += ["per cent of the pixels with ground truth; not scored: per cent of all, void among them", ""]
    return "\n".join([*lines, *_about(manifest)])


def _about(manifest: dict) -> list[str]:
    plan, source = manifest["plan"], manifest["source"]
    sizes = sorted({size for found in manifest["splits"].values() for size in found["sizes"]})
    lines = [f"originals {', '.join(sizes[:5])}{' and others' if len(sizes) > 5 else ''}"]
    if plan["cache"]:
        lines.append(
            f"cache {plan['width']}x{plan['height']}; a split with -original behind gives the originals instead"
        )
    return [*lines, *manifest["notices"], f"terms: {source['terms']}"]
