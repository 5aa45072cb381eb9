"""The steps of a Dockerfile on folders in place of images: enough of its language for ours, and loud about the rest.

Needs root, for chroot. A stage is a copy of the base's root; RUN is a chroot, COPY takes from the build's context or
from another stage, ENV, WORKDIR and USER hold from where they stand.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.debian import SEARCHED


@dataclass
class Stage:
    """A stage as far as it was built."""

    root: Path
    environment: dict[str, str]
    folder: str = "/"
    user: str = "root"
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def run(self, words: list[str], **options) -> subprocess.CompletedProcess:
        """Run words in it, as its user and in its folder."""
        return subprocess.run(self.words(words), env=self.environment, check=True, **options)

    def words(self, words: list[str]) -> list[str]:
        """Return what runs words in it."""
        # chroot alone would begin in /.
        inner = f"cd {shlex.quote(self.folder)} && exec {shlex.join(words)}"
        return ["chroot", f"--userspec={self.user}", str(self.root), "/bin/sh", "-c", inner]


def instructions(text: str) -> list[tuple[str, str]]:
    """Split a Dockerfile into (instruction, rest), without comments and with continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    return [
        (line.split(None, 1)[0], line.split(None, 1)[1]) for line in re.sub(r"\\\n\s*", "", text).splitlines() if line
    ]


def build(text: str, *, context: Path, base: Path, scratch: Path, environment: dict[str, str]) -> Stage:
    """Build a Dockerfile.

    Args:
        text: of the file.
        context: what COPY takes from.
        base: root of the image that every FROM names.
        scratch: receives the stages.
        environment: of this machine's own, for RUN alone: certificates, settings of pip.

    Returns:
        The last stage.
    """
    stages: dict[str, Stage] = {}
    for instruction, rest in instructions(text):
        if instruction == "FROM":
            _, _, name = rest.partition(" AS ")
            stage = Stage(scratch / f"stage-{len(stages)}", {"PATH": SEARCHED})
            subprocess.run(["cp", "--archive", base, stage.root], check=True)
            stages[name or str(len(stages))] = stage
        elif instruction == "RUN":
            subprocess.run(stage.words(["/bin/sh", "-c", rest]), env=environment | stage.environment, check=True)
        elif instruction == "COPY":
            _copy(rest, stage, stages, context)
        elif instruction == "ENV":
            for assignment in shlex.split(rest):
                name, _, value = assignment.partition("=")
                stage.environment[name] = os.path.expandvars(value.replace("$PATH", stage.environment["PATH"]))
        elif instruction == "WORKDIR":
            stage.folder = rest
            (stage.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif instruction == "USER":
            stage.user = rest
        elif instruction == "CMD":
            stage.command = json.loads(rest)
        elif instruction == "HEALTHCHECK":
            stage.health = json.loads(rest.partition("CMD ")[2])
        elif instruction != "EXPOSE":
            raise NotImplementedError(instruction)
    return stage


def _copy(rest: str, stage: Stage, stages: dict[str, Stage], context: Path) -> None:
    words = rest.split()
    origin = stages[words.pop(0).removeprefix("--from=")].root if words[0].startswith("--from=") else context
    source, target = words
    inside = Path(target) if target.startswith("/") else Path(stage.folder) / target
    place = stage.root / str(inside).lstrip("/")
    found = origin / source.lstrip("/")
    if found.is_dir():
        shutil.copytree(found, place, symlinks=True, dirs_exist_ok=True)
    else:
        place = place / found.name if target.endswith(("/", ".")) else place
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(found, place)
