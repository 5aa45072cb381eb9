"""Convert, check, put in place: the one way on which every format is made.

Array contract: see `model.training.exporting.checks`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from model.artifact import Artifact
from model.training.exporting.checks import Agreement, Limits, Reference, Run, violations
from model.training.exporting.placing import fingerprint, parts, put_in_place

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Format:
    """One kind of file that a network can be exported to.

    Attributes:
        name: as `--format` takes it.
        suffix: of the file's name, behind the Keras file's.
        library: the package that runs it, by which it is checked.
        limits: how far from Keras its answers may be.
        convert: writes a network as a file, with what the artifact says about it.
        load: opens a file with the library; raises a `ValueError` where it cannot.
    """

    name: str
    suffix: str
    library: str
    limits: Limits
    convert: Callable[[keras.Model, Artifact, Path], None]
    load: Callable[[Path, Artifact], Run]

    @property
    def runtime(self) -> str:
        """The package that runs it and its version."""
        return f"{self.library} {version(self.library)}"


@dataclass(frozen=True)
class Made:
    """A file that passed its check.

    Attributes:
        format: its kind.
        path: where it lies.
        agreement: how near it is to Keras in float32.
    """

    format: Format
    path: Path
    agreement: Agreement

    def as_dict(self) -> dict:
        """Return what the card says of it."""
        return {
            "file": self.path.name,
            "bytes": sum(part.stat().st_size for part in parts(self.path)),
            "sha256": fingerprint(self.path),
            "runtime": self.format.runtime,
            "images": self.agreement.images,
            "difference": self.agreement.difference,
            "equal_labels": self.agreement.equal_labels,
        }


def make(form: Format, reference: Reference, *, folder: Path | None = None) -> Made:
    """Export a network to a format.

    Args:
        form: which.
        reference: the network, and its own answers.
        folder: receives the file; None for the artifact's own.

    Returns:
        What was made.

    Raises:
        ValueError: it cannot be converted, or its answers are not the network's; nothing was replaced.
    """
    artifact = reference.artifact
    folder = folder or artifact.folder
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{artifact.keras_path.stem}{form.suffix}"
    with tempfile.TemporaryDirectory(dir=folder, prefix="export-") as scratch:
        made = Path(scratch) / path.name
        try:
            form.convert(reference.network, artifact, made)
        except ValueError as error:
            raise ValueError(f"{artifact.version} as {form.name}: {error}. {path} was left as it was.") from error
        agreement = check(form, reference, made, kept=path)
        put_in_place(made, path)
    return Made(form, path, agreement)


def check(form: Format, reference: Reference, made: Path, *, kept: Path) -> Agreement:
    """Hold a file against Keras, on the library that people will run it with.

    Args:
        form: what kind of file it is.
        reference: the network, and its own answers.
        made: the file.
        kept: what it would have replaced, for the message.

    Returns:
        How near it is.

    Raises:
        ValueError: the library cannot run it, or its answers are not the network's.
    """
    try:
        agreement = reference.compare(form.load(made, reference.artifact))
        broken = violations(agreement, reference.limits(form.limits))
    except ValueError as error:
        broken = [str(error)]
    if broken:
        raise ValueError(
            f"{reference.artifact.version} as {form.name} is not the same network on {form.runtime}: "
            f"{'; '.join(broken)}. {kept} was left as it was."
        )
    return agreement
