"""The part of a card that says which files a network was exported to, and how near each is to Keras."""

from __future__ import annotations

from collections.abc import Iterable


def export_section(exports: dict[str, dict]) -> list[str]:
    """Return the section of `card.md` on exported files, in parts; none where nothing was exported.

    Args:
        exports: what the card says of each, by format.
    """
    if not exports:
        return []
    lines = [
        "| format | file | MB | largest difference of a probability | labels equal | run by |",
        "|---|---|---|---|---|---|",
        *(
            f"| {name} | `{entry['file']}` | {entry['bytes'] / 1e6:.1f} | {entry['difference']:.1e} | "
            f"{entry['equal_labels']:.2%} | {entry['runtime']} |"
            for name, entry in exports.items()
        ),
    ]
    entries = exports.values()
    images = _each_once(f"{entry['images']} images of `{entry['data']}` ({entry['split']})" for entry in entries)
    commands = _each_once(f"`{entry['command']}`" for entry in entries)
    return [
        "## Exported files",
        f"Each held against Keras in float32 on {', '.join(images)}: {', '.join(commands)}.",
        "\n".join(lines),
    ]


def _each_once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
