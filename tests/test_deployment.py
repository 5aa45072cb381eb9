"""The deployed service: the tracked files alone, a new environment with requirements-serve.txt, `startup.sh`.

Started once as Azure App Service does it, and once as the Dockerfile says, without Docker: the folder that its COPY
lines make, its ENV, its CMD and its HEALTHCHECK.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from app.config import MOST_AUTO, SETTINGS
from model import categories
from tests.deploy import debian

ROOT = Path(__file__).resolve().parent.parent
START_LIMIT = 60  # seconds
SIZE = (180, 320)  # height, width


@dataclass(frozen=True)
class Running:
    """A started service."""

    process: subprocess.Popen
    port: int
    folder: Path
    home: Path
    environment: dict

    def get(self, path: str, *, body: bytes | None = None) -> tuple[int, str, bytes]:
        """Return status, content type and body of a request; with `body`, of a POST of that PNG."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body)
        if body is not None:
            request.add_header("Content-Type", "image/png")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()


@pytest.fixture(scope="module")
def deployed(tmp_path_factory) -> Path:
    """What is tracked, or would be by `git add`, copied to an empty folder, and the service's packages in `antenv/`."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so there is no list of what would be deployed")
    folder = debian.committed(tmp_path_factory.mktemp("wwwroot"))
    subprocess.run([sys.executable, "-m", "venv", "antenv"], cwd=folder, check=True)
    pip = ["antenv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", "requirements-serve.txt"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def image_folder(deployed, tmp_path_factory) -> Path:
    """The folder that the Dockerfile's COPY lines make."""
    folder = tmp_path_factory.mktemp("image")
    for source, target in docker_copies():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        if (deployed / source).is_dir():
            shutil.copytree(deployed / source, folder / target)
        else:
            shutil.copy2(deployed / source, folder / target)
    return folder


@pytest.fixture(scope="module", params=["azure", "docker"])
def running(request, deployed, tmp_path_factory):
    """The service, ready; stopped at the end if the test did not."""
    port, home = free_port(), tmp_path_factory.mktemp("home")
    environment = {
        "HOME": str(home),
        "PATH": f"{deployed}/antenv/bin:{os.environ['PATH']}",
        "VIRTUAL_ENV": str(deployed / "antenv"),
        "PORT": str(port),
    }
    if request.param == "azure":
        # The end of the script that App Service's Oryx generates: it puts site-packages on PYTHONPATH, activates the
        # environment, and runs the startup command with the app's folder on PATH.
        folder = deployed
        site_packages = next(deployed.glob("antenv/lib/python3*/site-packages"))
        environment["PYTHONPATH"] = f":{site_packages}"
        command = ["/bin/sh", "-c", f'PATH="$PATH:{deployed}" exec startup.sh']
    else:
        folder = request.getfixturevalue("image_folder")
        command = json.loads(docker_instructions("CMD")[-1])
        environment |= {"PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True)
    service = Running(process, port, folder, home, environment)
    try:
        wait_until_ready(service)
        yield service
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port() -> int:
    """Return a port that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(service: Running) -> None:
    """Return once `/readyz` answers 200."""
    last, deadline = None, time.monotonic() + START_LIMIT
    while service.process.poll() is None and time.monotonic() < deadline:
        try:
            service.get("/readyz")
            return
        except urllib.error.HTTPError as error:
            last = error.read()
        except OSError as error:
            last = error
        time.sleep(0.2)
    pytest.fail(f"not ready: exit status {service.process.poll()}, last answer {last}")


def street() -> bytes:
    """A PNG of a drawn street: sky, house fronts, a road."""
    height, width = SIZE
    image = Image.new("RGB", (width, height), (150, 190, 230))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 40, 110, 130), fill=(130, 90, 70))
    draw.rectangle((210, 30, 320, 130), fill=(150, 140, 120))
    draw.polygon([(0, 180), (140, 100), (180, 100), (320, 180)], fill=(80, 80, 85))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def docker_instructions(name: str) -> list[str]:
    """The arguments of every instruction of this name in the last stage of the Dockerfile."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    stage = re.split(r"^FROM .*$", text, flags=re.MULTILINE)[-1]
    return re.findall(rf"^{name} (.*)$", stage, flags=re.MULTILINE)


def docker_copies() -> list[tuple[str, str]]:
    """(source, target) of every COPY from the build context."""
    copies = [shlex.split(line) for line in docker_instructions("COPY")]
    return [(words[0], words[1]) for words in copies if not words[0].startswith("--")]


@pytest.mark.deployment
@pytest.mark.long
def test_overlay_has_the_size_of_the_photograph(running):
    status, kind, body = running.get("/predict", body=street())
    overlay = Image.open(io.BytesIO(body))
    assert (status, kind, overlay.size) == (200, "image/png", SIZE[::-1])
    assert not np.array_equal(np.asarray(overlay.convert("RGB")), np.asarray(Image.open(io.BytesIO(street()))))


@pytest.mark.deployment
@pytest.mark.long
def test_json_counts_every_pixel_once(running):
    status, kind, body = running.get("/predict?format=json", body=street())
    answer = json.loads(body)
    assert (status, kind) == (200, "application/json")
    assert [category["name"] for category in answer["categories"]] == list(categories.NAMES)
    assert sum(category["pixels"] for category in answer["categories"]) == SIZE[0] * SIZE[1]


@pytest.mark.deployment
@pytest.mark.long
def test_page_and_its_files_are_there(running):
    status, kind, body = running.get("/")
    assert (status, kind.partition(";")[0]) == (200, "text/html")
    links = re.findall(r'(?:href|src)="(/static/[^"]+)"', body.decode())
    assert links
    assert {running.get(link)[0] for link in links} == {200}


@pytest.mark.deployment
@pytest.mark.long
def test_health_check_of_the_image_passes(running):
    check = json.loads(docker_instructions("HEALTHCHECK")[-1].partition("CMD ")[2])
    assert subprocess.run(check, env=running.environment, cwd=running.folder, check=False).returncode == 0


@pytest.mark.deployment
@pytest.mark.long
def test_stops_on_sigterm_and_leaves_nothing_behind(running):
    # Last of those that need the service: it ends it.
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(timeout=40) == 0
    with pytest.raises(ProcessLookupError):
        os.killpg(running.process.pid, 0)
    # Nothing is written outside the folder; OpenVINO's telemetry, were it on, would keep its id here.
    assert not list(running.home.iterdir())


@pytest.mark.deployment
@pytest.mark.long
@pytest.mark.skipif(not shutil.which("make"), reason="no make")
def test_make_serve_prints_the_address_and_stops_with_ctrl_c(deployed, tmp_path):
    (deployed / ".venv").symlink_to("antenv")
    for stamp in (".made", ".serve"):
        (deployed / ".venv" / stamp).touch()
    port, environment = free_port(), {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    command = ["make", "serve", f"PORT={port}"]
    make = subprocess.Popen(
        command, cwd=deployed, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert any(f"http://localhost:{port}/" in line for line in make.stdout)
    finally:
        os.killpg(make.pid, signal.SIGINT)  # as a terminal does, to all of the foreground
        make.communicate(timeout=40)
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.deployment
@pytest.mark.long
def test_no_training_framework_is_installed(deployed, capsys):
    names = {"tensorflow", "keras", "torch", "jax", "sklearn", "pytest"}
    site_packages = next(deployed.glob("antenv/lib/python3*/site-packages"))
    assert not names & {path.name for path in site_packages.iterdir()}
    size = sum(path.stat().st_size for path in site_packages.rglob("*") if path.is_file())
    with capsys.disabled():
        print(f"\nsite-packages of the service: {size / 1e6:.0f} MB")


@pytest.mark.deployment
@pytest.mark.long
def test_photographs_are_segmented_in_the_image_too(deployed, image_folder, tmp_path):
    Image.new("RGB", (64, 32), "gray").save(tmp_path / "street.png")
    words = [deployed / "antenv/bin/python", "-m", "model", "segment", tmp_path / "street.png", tmp_path / "out"]
    result = subprocess.run(words, cwd=image_folder, capture_output=True, text=True, check=False)
    assert (result.returncode, "`pip install pyarrow`, or say --tables csv" in result.stderr) == (2, True)
    result = subprocess.run([*words, "--tables", "csv"], cwd=image_folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out" / "mask" / "street.png").is_file()


@pytest.mark.deployment
@pytest.mark.long
def test_no_package_of_the_service_hides_a_standard_module(deployed):
    site_packages = next(deployed.glob("antenv/lib/python3*/site-packages"))
    assert not {path.name.partition(".")[0] for path in site_packages.iterdir()} & sys.stdlib_module_names


@pytest.mark.deployment
@pytest.mark.long
@pytest.mark.parametrize("shell", [[], ["sh"], ["bash"]], ids=["itself", "sh", "bash"])
def test_startup_finds_its_folder_and_environment(deployed, tmp_path, shell):
    environment = {"HOME": str(tmp_path), "PATH": os.defpath, "PORT": "8123", "GUNICORN_CMD_ARGS": "--print-config"}
    result = subprocess.run(
        [*shell, str(deployed / "startup.sh")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=START_LIMIT,
    )
    assert result.returncode == 0, result.stderr
    settings = dict(re.findall(r"^(\w+) += (.*)$", result.stdout, flags=re.MULTILINE))
    assert settings["bind"] == "['0.0.0.0:8123']"
    assert (settings["worker_class"], settings["workers"], settings["preload_app"]) == (
        "deploy.worker.Worker",
        "1",
        "False",
    )
    assert Path(settings["chdir"]).samefile(deployed)


def test_startup_without_packages_says_what_to_install(tmp_path):
    shutil.copy(ROOT / "startup.sh", tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "dirname").symlink_to(shutil.which("dirname"))
    result = subprocess.run(
        ["/bin/sh", "startup.sh"],
        cwd=tmp_path,
        env={"PATH": str(tmp_path / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "pip install -r requirements-serve.txt" in result.stderr


def test_threads_outnumber_the_queue():
    default = re.search(r"STREETSEG_THREADS:-(\d+)", (ROOT / "startup.sh").read_text("utf-8"))
    assert int(default[1]) > MOST_AUTO + SETTINGS["QUEUE_DEPTH"].default


def test_requirements_are_pinned():
    others = ("serve", "storage", "without-dependencies")
    for name in ("requirements.txt", *(f"requirements-{other}.txt" for other in others)):
        for line in (ROOT / name).read_text("utf-8").splitlines():
            assert re.fullmatch(r"(#.*|-r \S+|[A-Za-z0-9._-]+==[0-9][\w.]*|)", line), f"{name}: {line}"


def test_folder_names_survive_az_webapp_up():
    # It leaves every folder with "env" in its name out of a Python app's upload.
    kept = [path for top in ("app", "model", "static", "templates") for path in (ROOT / top).rglob("*")]
    assert not [str(path) for path in kept if path.is_dir() and "env" in path.name]


def test_docker_context_lets_through_what_is_copied():
    sources = {source for source, _ in docker_copies()} | {"requirements-serve.txt"}
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == sources


def test_startup_may_be_executed():
    assert os.access(ROOT / "startup.sh", os.X_OK)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
