"""The scripts in deploy/azure, run with an `az` that only writes down what it is asked; and with the real one's parser.

The second installs the Azure CLI, two minutes: `python -m pytest -m azure tests/deploy`. That does the README's steps
too (test_azure_steps.py).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = sorted(path.name for path in (ROOT / "deploy" / "azure").glob("*.sh") if path.name != "settings.sh")

# Writes its words down, and answers what scripts ask it for.
STUB = """#!{python}
import json, os, sys
with open(os.environ["ASKED"], "a") as file:
    file.write(json.dumps([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\\n")
if "--query" in sys.argv:
    print("answer-to-" + sys.argv[sys.argv.index("--query") + 1])
"""

# Reads lines of words, and tells of each whether the CLI's parser takes it; nothing is run.
PARSE = """
import contextlib, io, json, sys
from azure.cli.core import get_default_cli
from azure.cli.core.parser import AzCliCommandParser

parse = AzCliCommandParser.parse_args

class Parsed(BaseException):
    pass

def stop(self, *arguments, **options):
    parse(self, *arguments, **options)
    raise Parsed

AzCliCommandParser.parse_args = stop
for line in sys.stdin:
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            get_default_cli().invoke(json.loads(line))
    except Parsed:
        print("taken")
    except SystemExit:
        print(said.getvalue().strip().splitlines()[0] if said.getvalue().strip() else "refused")
    else:
        print("refused")
"""


class Ran(NamedTuple):
    """What a script did: its status, what it said, and each `az` and `curl` it called, as words."""

    status: int
    said: str
    asked: list[list[str]]


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """What is committed, and the scripts as they lie here, committed too."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    folder = tmp_path_factory.mktemp("clone") / "streetseg"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    shutil.copytree(ROOT / "deploy" / "azure", folder / "deploy" / "azure", dirs_exist_ok=True)
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(folder)]
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "scripts"], check=True)
    return folder


@pytest.fixture
def run(clone, tmp_path):
    """A function that runs a script of the clone with words and variables."""
    for name in ("az", "curl"):
        (tmp_path / name).write_text(STUB.format(python=sys.executable))
        (tmp_path / name).chmod(0o755)

    def run(script: str, *words: str, folder: Path = clone, **variables: str) -> Ran:
        asked = tmp_path / "asked"
        asked.unlink(missing_ok=True)
        environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "ASKED": str(asked), "APP": "street-1"}
        result = subprocess.run(
            [folder / "deploy" / "azure" / script, *words],
            cwd=tmp_path,
            env=environment | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = asked.read_text().splitlines() if asked.exists() else []
        return Ran(result.returncode, result.stdout + result.stderr, [json.loads(line) for line in lines])

    return run


def commands(ran: Ran) -> list[str]:
    """The command of each call, without its flags."""
    found = []
    for words in ran.asked:
        flags = [number for number, word in enumerate(words) if word.startswith("-")]
        found.append(" ".join(words[: min(flags, default=len(words))]))
    return found


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_ends_well_and_names_the_app(run, script):
    ran = run(script)
    assert ran.status == 0, ran.said
    assert any("street-1" in word or "streetseg" in word for words in ran.asked for word in words)


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_says_when_it_has_no_name(run, script):
    ran = run(script, APP="")
    assert ran.status == 2
    assert "APP is not set. Expected a name for the app" in ran.said
    assert not ran.asked


def test_settings_come_before_the_code(run):
    ran = run("create.sh", SIZE="S1", PLACE="northeurope")
    assert commands(ran)[:3] == ["az group create", "az appservice plan create", "az webapp create"]
    assert commands(ran).index("az webapp config appsettings set") == 3
    assert [ran.asked[1][-1], ran.asked[1][ran.asked[1].index("--location") + 1]] == ["S1", "northeurope"]
    assert "CUSTOM_REQUIREMENTSTXT_PATH=requirements-serve.txt" in ran.asked[3]


def test_what_is_not_committed_does_not_go_up(run, clone, tmp_path):
    assert commands(run("up.sh")) == ["az webapp up"]
    dirty = tmp_path / "dirty"
    shutil.copytree(clone, dirty)
    (dirty / "data").mkdir()
    (dirty / "data" / "street.jpg").write_bytes(b"private")
    ran = run("up.sh", folder=dirty)
    assert (ran.status, ran.asked) == (2, [])
    assert "not committed, and az webapp up would upload them. Expected a fresh clone." in ran.said


def test_slots_change_places_only_once_the_new_one_answers(run):
    ran = run("swap.sh")
    assert commands(ran) == [
        "az webapp deployment slot create",
        "az webapp deploy",
        "az webapp show",
        "curl",
        "az webapp deployment slot swap",
    ]
    assert "https://answer-to-defaultHostName/readyz" in ran.asked[3]
    assert commands(run("swap.sh", "back")) == ["az webapp deployment slot swap"]


def test_the_container_app_is_described_without_a_gap(run, tmp_path):
    yaml = pytest.importorskip("yaml")
    ran = run("container-app.sh", TMPDIR=str(tmp_path))
    (create,) = (words for words in ran.asked if words[1:3] == ["containerapp", "create"])
    text = Path(create[create.index("--yaml") + 1]).read_text()
    assert "@" not in text
    document = yaml.safe_load(text)["properties"]
    (container,) = document["template"]["containers"]
    assert container["image"].startswith("street1.azurecr.io/streetseg:")
    probes = {probe["type"]: probe["httpGet"]["path"] for probe in container["probes"]}
    assert probes == {"Startup": "/readyz", "Readiness": "/readyz", "Liveness": "/livez"}
    port = document["configuration"]["ingress"]["targetPort"]
    assert {probe["httpGet"]["port"] for probe in container["probes"]} == {port}


def test_both_readmes_have_the_same_steps():
    def scripts(readme: str, heading: str) -> list[str]:
        section = (ROOT / readme).read_text("utf-8").partition(f"\n{heading}\n")[2]
        return re.findall(
            r"^az login|deploy/azure/\w+\.sh", re.search(r"```(?:ba)?sh\n(.*?)```", section, re.DOTALL)[1]
        )

    steps = ["az login", "deploy/azure/create.sh", "deploy/azure/up.sh", "deploy/azure/check.sh"]
    assert scripts("README.md", "### Azure App Service") == steps
    assert scripts("deploy/azure/README.md", "## Deploy") == steps


@pytest.mark.azure
def test_the_real_command_line_takes_every_call(run, tmp_path, request):
    if "azure" not in request.config.getoption("markexpr"):
        pytest.skip("installs the Azure CLI, two minutes: ask for it by -m azure")
    python = tmp_path / "cli" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "cli"], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "azure-cli"], check=True)
    # Of an extension, which is downloaded when it is first used.
    asked = [
        words[1:]
        for script in SCRIPTS
        for words in run(script).asked
        if words[0] == "az" and words[1:3] != ["monitor", "app-insights"]
    ]
    asked.append(["webapp", "up", "--no-such-flag"])
    lines = "".join(json.dumps(words) + "\n" for words in asked)
    environment = os.environ | {"AZURE_CONFIG_DIR": str(tmp_path / "config"), "AZURE_CORE_COLLECT_TELEMETRY": "false"}
    result = subprocess.run(
        [python, "-c", PARSE], input=lines, env=environment, capture_output=True, text=True, check=True
    )
    *verdicts, last = result.stdout.splitlines()
    assert dict(zip(map(str, asked), verdicts, strict=False)) == dict.fromkeys(map(str, asked[:-1]), "taken")
    assert last != "taken"
