"""The card that ships beside a network: for programs as `card.json`, for people as `card.md`."""

from __future__ import annotations

from pathlib import Path

from model import artifact as artifacts
from model.artifact import Artifact
from model.categories import NAMES, VOID
from model.inference.contract import PRECISIONS
from model.networks import registry
from model.training.card_exports import export_section
from model.training.card_robustness import robustness_section
from model.training.scoring import Scores
from model.training.settings import flags

MARKDOWN_FILE = "card.md"


def add_scores(artifact: Artifact, name: str, scores: Scores, *, about: dict) -> Artifact:
    """Put scores into an artifact's card, and write `card.md` anew.

    Args:
        artifact: its folder is changed.
        name: of this set of scores, such as `validation`; one of the same name is replaced.
        scores: to put there.
        about: what makes them repeatable: command, engine, data, split.

    Returns:
        The artifact with the new card.
    """
    kept = _as_it_is(artifact)
    return _written(artifact.folder, kept | {"scores": kept["scores"] | {name: about | scores.as_dict()}})


def add_precision(artifact: Artifact, precision: str, entry: dict, *, anew: bool = False) -> Artifact:
    """Put what is known about a precision into an artifact's card, and write `card.md` anew.

    Args:
        artifact: its folder is changed.
        precision: `"f32"`, `"bf16"` or `"int8"`.
        entry: how its file was made, or how it scores.
        anew: forget what was known before, because the file was made again.

    Returns:
        The artifact with the new card.
    """
    kept = _as_it_is(artifact)
    known = kept.get("precisions", {})
    found = ({} if anew else known.get(precision, {})) | entry
    return _written(artifact.folder, kept | {"precisions": known | {precision: found}})


def add_export(artifact: Artifact, name: str, entry: dict) -> Artifact:
    """Put what is known about an exported file into an artifact's card, and write `card.md` anew.

    Args:
        artifact: its folder is changed.
        name: of the format, as `export --format` takes it; an entry of the same name is replaced.
        entry: see `model.training.exporting.making.Made.as_dict`, and the data and the command.

    Returns:
        The artifact with the new card.
    """
    kept = _as_it_is(artifact)
    return _written(artifact.folder, kept | {"exports": kept.get("exports", {}) | {name: entry}})


def add_robustness(artifact: Artifact, name: str, entry: dict) -> Artifact:
    """Put what a network keeps on corrupted photographs into an artifact's card, and write `card.md` anew.

    Args:
        artifact: its folder is changed.
        name: of this table, such as `validation`; one of the same name is replaced.
        entry: see `model.training.evaluation.robustness.Robustness.as_dict`, and what makes it repeatable.

    Returns:
        The artifact with the new card.
    """
    kept = _as_it_is(artifact)
    return _written(artifact.folder, kept | {"robustness": kept.get("robustness", {}) | {name: entry}})


def write_markdown(artifact: Artifact) -> Path:
    """Write `card.md` from the card and return its path."""
    path = artifact.folder / MARKDOWN_FILE
    path.write_text(markdown(artifact), "utf-8")
    return path


def markdown(artifact: Artifact) -> str:
    """Return the card as Markdown."""
    card = artifact.card
    height, width = artifact.size
    parts = [
        f"# Model card: {artifact.version}",
        f"{_title(card['name'])}: labels every pixel of a street photograph with one of {len(artifact.names)} "
        f"categories: {', '.join(artifact.names)}. Input {width}x{height} RGB, "
        f"{card.get('parameters', 0):,} parameters, `{artifact.keras_path.name}` SHA-256 `{card['keras_sha256']}`.",
        "_Written by `python -m model`; edit `limitations` in card.json, not this file._",
        "## Scores",
        *(_score_section(name, entry) for name, entry in card["scores"].items()),
        *_precision_section(card.get("precisions", {})),
        *robustness_section(card.get("robustness", {})),
        *export_section(card.get("exports", {})),
        "## Training",
        _training_section(card["training"]),
        "## What it cannot do",
        _bullets(card.get("limitations", [])) or "Not described yet.",
        "## Terms of use",
        _bullets(f"**{name}**: {text}" for name, text in card["terms"].items()) or "None are known.",
    ]
    return "\n\n".join(parts) + "\n"


def _as_it_is(artifact: Artifact) -> dict:
    """Return the card of today: scoring takes minutes, in which somebody else may have written into it."""
    return artifacts.read(artifact.folder).card


def _written(folder: Path, card: dict) -> Artifact:
    artifacts.write_card(folder, card)
    updated = Artifact(folder, card)
    write_markdown(updated)
    return updated


def _score_section(name: str, entry: dict) -> str:
    lines = [
        f"### {name}",
        "",
        f"{entry['images']} images"
        + (f" of `{entry['data']}` ({entry['split']}), on {entry['engine']}" if "data" in entry else "")
        + (f": `{entry['command']}`" if "command" in entry else ""),
        "",
        "| category | official IoU | IoU with void |",
        "|---|---|---|",
    ]
    for i, category in enumerate(NAMES):
        official = "-" if i == VOID else _fixed(entry["iou"][category])
        lines.append(f"| {category} | {official} | {_fixed(entry['iou_with_void'][category])} |")
    lines.append(f"| **mean** | **{_fixed(entry['mean_iou'])}** | {_fixed(entry['mean_iou_with_void'])} |")
    accuracies = (entry["pixel_accuracy"], entry["pixel_accuracy_with_void"])
    lines.append(f"| pixel accuracy | {_fixed(accuracies[0])} | {_fixed(accuracies[1])} |")
    return "\n".join(lines)


def _precision_section(precisions: dict[str, dict]) -> list[str]:
    scored = {name: precisions[name] for name in PRECISIONS if "mean_iou" in precisions.get(name, {})}
    lines = [
        "| precision | images | mean category IoU | labels equal to Keras float32 | command |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {entry['images']} of `{entry['data']}` ({entry['split']}) | {_fixed(entry['mean_iou'])} | "
            f"{entry['equal_labels']:.2%} | `{entry['command']}` |"
            for name, entry in scored.items()
        ),
    ]
    made = precisions.get("int8", {}).get("made")
    return [
        *(["## Precisions"] if scored or made else []),
        *(["\n".join(lines)] if scored else []),
        *([_int8_sentence(made)] if made else []),
    ]


def _int8_sentence(made: dict) -> str:
    layers = ", ".join(f"`{layer}`" for layer in made["float_layers"]) or "none"
    return (
        f"The int8 file was made by `{made['command']}`: calibrated on {made['calibration_images']} images, layers "
        f"kept in float32: {layers}. On {made['check_images']} other images of the same split it loses "
        f"{made['loss']:.4f} of mean category IoU against float32, and {made['equal_labels']:.2%} of labels are equal."
    )


def _training_section(training: dict) -> str:
    settings = training["settings"]
    seconds = sum(entry["seconds"] for entry in training["history"])
    lines = [
        f"{training['samples']:,} images of {', '.join(f'`{data}`' for data in settings['data'])}, "
        f"{settings['epochs']} epochs, {seconds / 60:.0f} minutes on {training['backend']} "
        f"(Keras {training['keras']}). Repeat it with:",
        "",
        "```sh",
        "python -m model train " + " \\\n  ".join(flags(settings)),
        "```",
    ]
    return "\n".join(lines)


def _title(name: str) -> str:
    """Return how the network of a card is written; the one that ships is called by its kind alone."""
    return "U-Net" if name == "unet" else registry.describe(name).title if name in registry.NAMES else "network"


def _bullets(items) -> str:
    return "\n".join(f"- {item}" for item in items)


def _fixed(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
