"""What differs between a run and the one before it in the same folder, in words that a user can act on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from model.data.preparation.frames import Frame

_SHOWN = 10


def differences_of(before: dict, now: dict) -> list[str]:
    """Name, in words, what differs between two plans: settings, and samples by name."""
    words = []
    for key in sorted((before.keys() | now.keys()) - {"samples"}):
        if before.get(key) != now.get(key):
            words.append(f"{key}: {json.dumps(before.get(key))} then, {json.dumps(now.get(key))} now")
    for split in sorted(before["samples"].keys() | now["samples"].keys()):
        old, new = (set(plan["samples"].get(split, ())) for plan in (before, now))
        words += [_named(f"{split} had then and has no more", old - new), _named(f"{split} has now", new - old)]
    return [word for word in words if word]


def _named(what: str, names: set[str]) -> str:
    shown = ", ".join(sorted(names)[:_SHOWN])
    return f"{what}: {shown}{f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else ''}" if names else ""


def changed_files(records: Iterable[dict], chosen: Mapping[str, Sequence[Frame]]) -> list[str]:
    """Name the files that are no longer what they were when they were read.

    Args:
        records: of the manifest or the journal.
        chosen: the frames as they are now, by split, in the order of the rows.
    """
    changed = []
    for record in records:
        rows = chosen.get(record["split"], ())
        if record["row"] < len(rows):
            frame = rows[record["row"]]
            for file, before in ((frame.image, record["image"]), (frame.mask, record["mask"])):
                if file is not None and (file.size, file.stamp) != (before["bytes"], before["stamp"]):
                    changed.append(f"{file.path} has changed since it was read")
    more = [f"and {len(changed) - _SHOWN} more"] if len(changed) > _SHOWN else []
    return sorted(changed)[:_SHOWN] + more
