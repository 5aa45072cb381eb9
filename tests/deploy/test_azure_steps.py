"""The README's steps on a bare Debian, up to a segmented photograph, with the real `az` as far as its login.

`python -m pytest -m azure tests/deploy`; needs root, debootstrap, a Debian mirror and the package index. The commands
are those that stand in deploy/azure/README.md under "Deploy". Each `az` of theirs is given to the real Azure CLI, which
has to take it and get as far as asking for an account. Behind that begins what is imitated: the upload is the zip that
the CLI's own function makes of the folder, what Oryx does with it is done here (as tests/test_deployment.py does, and
deploy/azure/README.md says where it is written), and so is App Service's front end.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.services import free_port
from tests.app.clients import opened
from tests.deploy import debian, front

ROOT = debian.ROOT
README = ROOT / "deploy" / "azure" / "README.md"
NO_ACCOUNT = "Please run 'az login' to setup account."
STREET = ROOT / "static" / "scenes" / "scene-103.jpg"
_BUILD_LIMIT = 600  # seconds

pytestmark = [pytest.mark.azure, pytest.mark.long]

# In front of the real `az`: notes what that said, makes the upload, and answers what only an account could tell.
AZ = """#!/opt/az/bin/python
import json, os, shutil, subprocess, sys, time
words = sys.argv[1:]
note = {"words": words, "said": ""}
if words[0] != "login":
    ran = subprocess.run(["/opt/az/bin/az", *words], capture_output=True, text=True)
    note |= {"said": ran.stderr, "status": ran.returncode}
with open("/tmp/asked", "a") as file:
    file.write(json.dumps(note) + "\\n")
if words[:2] == ["webapp", "up"]:
    from azure.cli.command_modules.appservice._create_util import zip_contents_from_dir
    language = words[words.index("--runtime") + 1].partition(":")[0]
    shutil.move(zip_contents_from_dir(os.getcwd(), language), "/tmp/part.zip")
    os.rename("/tmp/part.zip", "/tmp/upload.zip")
    while not os.path.exists("/tmp/deployed"):
        time.sleep(0.2)
if "defaultHostName" in words:
    print(os.environ["HOST_NAME"])
"""


@dataclass
class Deployed:
    """What the steps left behind: their status, what they said, the folder they ran in, and each `az` they called."""

    status: int
    said: str
    folder: Path
    asked: list[dict]
    service: subprocess.Popen


def steps() -> str:
    """The commands under "Deploy"."""
    return re.search(r"^## Deploy\n.*?^```bash\n(.*?)^```", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)[1]


@pytest.fixture(scope="module")
def root(tmp_path_factory, request) -> Iterator[Path]:
    """A bare Debian with Python, the Azure CLI, and a fresh clone in /root/streetseg."""
    debian.asked_for(request, "azure", "deploys from a bare Debian, six minutes")
    root = debian.install(tmp_path_factory.mktemp("azure") / "root", "python3,python3-venv,git,curl,ca-certificates")
    clone = debian.committed(root / "root/streetseg")
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(clone)]
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "a clone"]):
        subprocess.run([*git, *words], check=True)
    run(root, "python3 -m venv /opt/az && /opt/az/bin/pip install --quiet azure-cli", **debian.lent())
    (root / "usr/local/bin/az").write_text(AZ)
    (root / "usr/local/bin/az").chmod(0o755)
    yield root
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def deployed(root):
    """The steps, done: the app they started is up."""
    port, outside = free_port(), free_port()
    variables = {
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "HOST_NAME": f"localhost:{outside}",
        "CURL_CA_BUNDLE": "/tmp/front.pem",
    }
    service = None
    with front.https(outside, to=port, certificate=root / "tmp/front.pem"):
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        user = begin(root, f"cd /root/streetseg\n{steps()}", **streams, **variables)
        try:
            wait_for(root / "tmp/upload.zip", user)
            settings = configured(notes(root))
            service = serve(root, build(root, settings), settings, port)
            (root / "tmp/deployed").touch()
            said, _ = user.communicate(timeout=_BUILD_LIMIT)
            yield Deployed(user.returncode, said, root / "root/streetseg", notes(root), service)
        finally:
            for process in filter(None, (user, service)):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)  # with what it has started and what still waits
                process.wait(60)


def begin(root: Path, script: str, **variables) -> subprocess.Popen:
    """Start a script of bash in the Debian, with /proc and these variables; options of Popen in lower case."""
    options = {name: variables.pop(name) for name in list(variables) if name.islower()}
    inner = f'mount -t proc none {root}/proc && exec chroot {root} /bin/bash -ec "$1"'
    environment = {"PATH": debian.SEARCHED, "HOME": "/root", **variables}
    words = ["unshare", "--mount", "/bin/sh", "-ec", inner, "sh", script]
    return subprocess.Popen(words, env=environment, start_new_session=True, **options)


def run(root: Path, script: str, **variables) -> None:
    """Run one to its end."""
    assert begin(root, script, **variables).wait(_BUILD_LIMIT) == 0


def wait_for(path: Path, process: subprocess.Popen) -> None:
    ends = time.monotonic() + _BUILD_LIMIT
    while not path.exists():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < ends
        time.sleep(0.1)


def notes(root: Path) -> list[dict]:
    """What each `az` was asked, and said."""
    return [json.loads(line) for line in (root / "tmp/asked").read_text("utf-8").splitlines()]


def configured(asked: list[dict]) -> dict[str, str]:
    """The app's settings, as the steps have made them; STARTUP is the startup file."""
    settings = {}
    for words in (note["words"] for note in asked):
        if "--settings" in words:
            settings |= dict(word.split("=", 1) for word in words[words.index("--settings") + 1 :])
        if "--startup-file" in words:
            settings["STARTUP"] = words[words.index("--startup-file") + 1]
    return settings


def build(root: Path, settings: dict[str, str]) -> str:
    """What Oryx makes of an upload: `antenv` in one folder, which is then moved to where it runs; returns that."""
    assert settings["SCM_DO_BUILD_DURING_DEPLOYMENT"] == "true"
    with zipfile.ZipFile(root / "tmp/upload.zip") as upload:
        upload.extractall(root / "tmp/build")  # without the permission to execute, as Kudu does
    requirements = settings.get("CUSTOM_REQUIREMENTSTXT_PATH", "requirements.txt")
    pip = f"antenv/bin/python -m pip install --quiet --prefer-binary -r {requirements}"
    run(root, f"cd /tmp/build && python3 -m venv --copies antenv && {pip}", **debian.lent())
    (root / "home/site").mkdir(parents=True, exist_ok=True)
    shutil.move(root / "tmp/build", root / "home/site/wwwroot")
    return "/home/site/wwwroot"


def serve(root: Path, folder: str, settings: dict[str, str], port: int) -> subprocess.Popen:
    """What the start script does that Oryx writes."""
    settings = dict(settings)
    startup = settings.pop("STARTUP")
    (root / folder.lstrip("/") / startup).chmod(0o755)
    site_packages = next((root / folder.lstrip("/")).glob("antenv/lib/python3*/site-packages")).relative_to(root)
    variables = {
        **settings,
        "PORT": str(port),
        "VIRTUAL_ENV": f"{folder}/antenv",
        "PATH": f"{folder}/antenv/bin:{debian.SEARCHED}",
        "PYTHONPATH": f":/{site_packages}",
    }
    process = begin(root, f'cd {folder} && PATH="$PATH:{folder}" exec {startup}', **variables)
    debian.wait_until_ready(port, process)
    return process


def test_the_steps_end_in_a_segmented_photograph(deployed):
    assert deployed.status == 0, deployed.said
    overlay = opened((deployed.folder / "overlay.png").read_bytes())
    assert (overlay.format, overlay.size) == ("PNG", opened(STREET.read_bytes()).size)
    assert (deployed.folder / "overlay.png").read_bytes() != STREET.read_bytes()
    assert "is ready; overlay.png has its answer." in deployed.said


def test_the_real_command_line_gets_as_far_as_asking_for_an_account(deployed):
    calls = [note for note in deployed.asked if note["words"] != ["login"]]
    assert ["login"] in [note["words"] for note in deployed.asked]
    assert ["webapp", "up"] in [note["words"][:2] for note in calls]
    for note in calls:
        assert (NO_ACCOUNT in note["said"], note["status"]) == (True, 1), note


def test_the_app_got_the_slim_environment(deployed):
    # Which it gets by a setting that came before the code: with it left out, or too late, all would be installed.
    names = [path.name for path in (deployed.folder.parent.parent / "home/site/wwwroot").glob("antenv/lib/*/*/*")]
    assert "openvino" in names
    assert not {"tensorflow", "keras", "pytest"} & set(names)
