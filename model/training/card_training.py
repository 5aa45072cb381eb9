"""The part of a card that says how a network was trained, from its first run on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model.artifact import Artifact
from model.training.settings import flags

# What is told of a run whose weights another one began with: enough to repeat it.
_TOLD = ("samples", "backend", "keras", "settings")


def begun_with(found: Artifact) -> dict[str, Any]:
    """Return what the card of a run says about the network whose weights it began with.

    Args:
        found: that network.

    Returns:
        `begun_with`, its name and version, and `before`: the runs that led to it, oldest first, each with the version
        that came of it and the number of epochs that it was trained for, which a run that was broken off did not reach.
    """
    training = found.card["training"]
    run = {"version": found.version, "epochs": len(training["history"])}
    run |= {name: training[name] for name in _TOLD if name in training}
    return {"begun_with": found.version, "before": [*training.get("before", []), run]}


def training_section(training: Mapping[str, Any]) -> str:
    """Return the section of `card.md` on how a network was trained.

    Args:
        training: what the card says of it.
    """
    if "members" in training:
        return _members(training["members"], training.get("fit_images", 0), training.get("fit_loss"))
    seconds = sum(entry["seconds"] for entry in training["history"])
    mean = _mean(training["averaged"]) if "averaged" in training else ""
    # A run that was broken off, or ended for want of a better score, has fewer epochs than it was told.
    done = {"epochs": len(training["history"])} | dict(training)
    run = mean + _sentence(done, f"{seconds / 60:.0f} minutes on ")
    if "begun_with" not in training:
        return "\n\n".join([f"{run} Repeat it with:", _command(training)])
    parts = [
        f"{run} It began with the weights of `{training['begun_with']}`: `--initial-weights` is where that one lay. "
        "Repeat it with:",
        _command(training),
    ]
    for before in reversed(training.get("before", [])):
        parts += [f"Before that, `{before['version']}`: {_sentence(before)}", _command(before)]
    return "\n\n".join(parts)


def _members(members: list[dict[str, Any]], fit_images: int, fit_loss: str | None) -> str:
    parts = [f"Its answer is the mean of those of {_networks(members)}, by `python -m model ensemble`."]
    if fit_images:
        asked, by = (f' --fit-loss "{fit_loss}"', "that loss") if fit_loss else ("", "the loss of the first")
        parts = [
            f"Its answer is mixed from those of {_networks(members)}, by `python -m model ensemble --fit-images "
            f"{fit_images}{asked}`: the logits of each go through a matrix before they are added up, fitted with {by} "
            "on so many training images. The shares are where that began."
        ]
    equal, began = 1 / len(members), " at first" if fit_images else ""
    told = set()
    for each in members:
        seen = "" if "reduction" not in each else f" about the image at 1/{each['reduction']} of its size"
        # Said only where they differ: the first ensembles had no shares.
        share = each.get("share", equal)
        said = "" if abs(share - equal) < 1e-9 else f", {100 * share:.0f} % of the mean{began}"
        if each["version"] in told:
            parts.append(f"### `{each['version']}`, asked again{seen}{said}")
            continue
        told.add(each["version"])
        asked = f", asked{seen}" if seen else ""
        heading = f"### `{each['version']}`, {each['parameters']:,} parameters{said}{asked}"
        parts += [heading, training_section(each["training"])]
    return "\n\n".join(parts)


def _networks(members: list[dict[str, Any]]) -> str:
    count = len({each["version"] for each in members})
    said = f"{count} networks" if count > 1 else "one network"
    return said if count == len(members) else f"{said} in {len(members)} views"


def _mean(averaged: list[dict[str, Any]]) -> str:
    shares = ", ".join(f"`{each['version']}` ({100 * each['share']:.0f} %)" for each in averaged)
    return (
        f"Its weights are the mean of those of {shares}, by `python -m model average`, and its batch norms those of "
        "the data and views of the first. That one was trained on "
    )


def _sentence(training: Mapping[str, Any], took: str = "on ") -> str:
    settings = training["settings"]
    wanted, done = settings["epochs"], training.get("epochs", settings["epochs"])
    epochs = f"{wanted} epochs" if done == wanted else f"{done} of {wanted} epochs"
    return (
        f"{training['samples']:,} images of {', '.join(f'`{data}`' for data in settings['data'])}, "
        f"{epochs}, {took}{training['backend']} (Keras {training['keras']})."
    )


def _command(training: Mapping[str, Any]) -> str:
    words = " \\\n  ".join(flags(training["settings"]))
    return f"```sh\npython -m model train {words}\n```"
