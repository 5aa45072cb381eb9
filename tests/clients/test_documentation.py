"""The examples of docs/clients.md, as they stand but for the address."""

from __future__ import annotations

import re

import pytest
from PIL import Image
from tritonclient import http as triton

EXAMPLE = re.compile(r"^```python\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def run(repository, address, photograph, tmp_path, monkeypatch, capsys):
    """A function that runs the examples holding a text, beside a photograph, and returns what each printed."""
    with Image.open(photograph) as picture:
        picture.save(tmp_path / "street.jpg", quality=95)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    opened = []
    plain = triton.InferenceServerClient
    monkeypatch.setattr(triton, "InferenceServerClient", lambda *given: opened.append(plain(*given)) or opened[-1])
    page = (repository / "docs" / "clients.md").read_text("utf-8")

    def run(holding: str) -> list[str]:
        printed = []
        for example in EXAMPLE.findall(page):
            if holding in example:
                exec(compile(example.replace("127.0.0.1:8000", address), "docs/clients.md", "exec"), {})
                printed.append(capsys.readouterr().out)
        return printed

    yield run
    # They leave that to the end of the process.
    for client in opened:
        client.close()


def test_examples_of_hugging_face(run):
    masks, refusal = run("huggingface_hub")
    assert re.search(r"^\w+ +\d+\.\d% of the picture, [01]\.\d\d sure$", masks, flags=re.MULTILINE)
    assert refusal.startswith("422 subtask is 'panoptic'. Expected semantic")


def test_examples_of_triton(run):
    files, pixels = run("tritonclient")
    assert files.startswith("(180, 300) [")
    assert int(pixels) >= 1


def test_every_example_is_run(repository):
    page = (repository / "docs" / "clients.md").read_text("utf-8")
    # The last two by tests/clients/test_imports.py.
    assert len(EXAMPLE.findall(page)) == page.count("```python") == 6
