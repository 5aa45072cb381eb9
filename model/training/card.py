"""The card that ships beside a network: for programs as `card.json`, for people as `card.md`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model import artifact as artifacts
from model.artifact import Artifact
from model.inference.contract import PRECISIONS
from model.networks import registry
from model.training import card_confidence
from model.training.card_exports import export_section
from model.training.card_familiarity import familiarity_section
from model.training.card_robustness import robustness_section
from model.training.card_scores import fixed, score_section
from model.training.card_training import training_section
from model.training.scoring import Scores

MARKDOWN_FILE = "card.md"

# What no longer holds once the network's logits have changed.
_MADE_OF_IT = ("precisions", "exports", "familiarity")


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


def set_calibration(artifact: Artifact, entry: dict, *, keras_sha256: str) -> Artifact:
    """Say in an artifact's card by which temperature its logits are divided from now on, and write `card.md` anew.

    What was measured of its confidence before goes, what tells streets by it, and what is known of files that were made
    of the network before.

    Args:
        artifact: its folder is changed.
        entry: see `model.training.calibrating.fit`, and the data, the split and the command.
        keras_sha256: of the changed Keras file.

    Returns:
        The artifact with the new card.
    """
    kept = {name: value for name, value in _as_it_is(artifact).items() if name not in _MADE_OF_IT}
    scores = {
        name: {key: value for key, value in scored.items() if key not in ("calibration", "calibration_error")}
        for name, scored in kept["scores"].items()
    }
    return _written(artifact.folder, kept | {"keras_sha256": keras_sha256, "scores": scores, "calibration": entry})


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


def set_familiarity(artifact: Artifact, entry: dict) -> Artifact:
    """Put what tells streets from anything else into an artifact's card, and write `card.md` anew.

    Args:
        artifact: its folder is changed.
        entry: see `model.inference.familiarity.Familiarity.as_dict`; with `about` and `measured`.

    Returns:
        The artifact with the new card.
    """
    return _written(artifact.folder, _as_it_is(artifact) | {"familiarity": entry})


def write_markdown(artifact: Artifact) -> Path:
    """Write `card.md` and the picture that it shows from the card, and return its path."""
    path = artifact.folder / MARKDOWN_FILE
    card_confidence.write_figure(artifact.folder, artifact.card)
    path.write_text(markdown(artifact), "utf-8")
    return path


def markdown(artifact: Artifact) -> str:
    """Return the card as Markdown."""
    card = artifact.card
    height, width = artifact.size
    parts = [
        f"# Model card: {artifact.version}",
        f"{_title(card)}: labels every pixel of a street photograph with one of {len(artifact.names)} "
        f"categories: {', '.join(artifact.names)}. Input {width}x{height} RGB, "
        f"{card.get('parameters', 0):,} parameters, `{artifact.keras_path.name}` SHA-256 `{card['keras_sha256']}`.",
        "_Written by `python -m model`; edit `limitations` in card.json, not this file._",
        "## Scores",
        *(score_section(name, entry) for name, entry in card["scores"].items()),
        *card_confidence.section(card),
        *_precision_section(card.get("precisions", {})),
        *robustness_section(card.get("robustness", {})),
        *familiarity_section(card.get("familiarity", {})),
        *export_section(card.get("exports", {})),
        "## Training",
        training_section(card["training"]),
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


def _precision_section(precisions: dict[str, dict]) -> list[str]:
    scored = {name: precisions[name] for name in PRECISIONS if "mean_iou" in precisions.get(name, {})}
    lines = [
        "| precision | images | mean category IoU | labels equal to Keras float32 | command |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {entry['images']} of `{entry['data']}` ({entry['split']}) | {fixed(entry['mean_iou'])} | "
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


def _title(card: Mapping[str, Any]) -> str:
    """Return how the network of a card is written; the one that ships is called by its kind alone."""
    name, members = card["name"], card.get("training", {}).get("members")
    versions = {each["version"] for each in members or ()}
    if len(versions) > 1:
        return f"Ensemble of {len(versions)} networks"
    if versions:
        # Whatever the file is called, this is what it is.
        return f"{_kind(versions.pop().rpartition('-')[0])} in {len(members)} views"
    return _kind(name)


def _kind(name: str) -> str:
    return "U-Net" if name == "unet" else registry.describe(name).title if name in registry.NAMES else "network"


def _bullets(items) -> str:
    return "\n".join(f"- {item}" for item in items)
