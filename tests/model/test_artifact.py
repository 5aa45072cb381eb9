"""The artifact folder: what is read is what was written, and what does not fit together is refused in words."""

from __future__ import annotations

import json

import pytest

from model import artifact, categories
from model.artifact import ArtifactError

SIZE = (64, 128)


@pytest.fixture
def folder(tmp_path):
    """A folder with a card and a file in place of a network, which nothing here opens."""
    (tmp_path / "unet.keras").write_bytes(b"network")
    artifact.write_card(tmp_path, card(keras_sha256=artifact.sha256(tmp_path / "unet.keras")))
    return tmp_path


def card(**changes) -> dict:
    fields = {"name": "unet", "keras_sha256": "0" * 64, "training": {}, "scores": {}, "terms": {}}
    return artifact.describe(size=SIZE, mean=127.5, std=64.0) | fields | changes


def test_serving_reads_what_training_wrote(folder):
    read = artifact.read(folder)
    assert read.size == SIZE
    assert read.normalisation == {"mean": 127.5, "std": 64.0}
    assert [category["name"] for category in read.card["categories"]] == list(categories.NAMES)
    assert read.version == f"unet-{read.card['keras_sha256'][:12]}"
    artifact.verify(read)


def test_another_input_size_is_another_version_with_the_same_files(folder):
    own = artifact.read(folder)
    other = own.at((96, 160))
    assert (other.size, other.exported_size) == ((96, 160), SIZE)
    assert other.version == f"{own.version}-160x96"
    assert other.card["input"] == own.card["input"] | {
        "height": 96,
        "width": 160,
        "exported": {"height": 64, "width": 128},
    }
    assert other.compiled_path("int8") == own.compiled_path("int8")
    assert own.size == own.exported_size == SIZE
    assert other.at(SIZE).version == own.version


@pytest.mark.parametrize("size", [(100, 160), (96, 161), (0, 32), (-32, 32), (32, 4128)])
def test_an_input_size_that_networks_do_not_take_is_refused(folder, size):
    with pytest.raises(ValueError, match=rf"input size {size[1]}x{size[0]}\. Expected .* multiples of 32, up to 4,096"):
        artifact.read(folder).at(size)


def test_sha256_is_the_known_one(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert artifact.sha256(tmp_path / "abc") == expected


def test_another_network_than_the_card_s_is_refused(folder):
    (folder / "unet.keras").write_bytes(b"another network")
    with pytest.raises(ArtifactError, match="Its card was written for"):
        artifact.verify(artifact.read(folder))


def test_the_network_s_files_carry_the_card_s_name(folder):
    (folder / "unet.keras").rename(folder / "fcn8s.keras")
    artifact.write_card(folder, card(name="fcn8s", keras_sha256=artifact.sha256(folder / "fcn8s.keras")))
    read = artifact.read(folder)
    artifact.verify(read)
    paths = (read.keras_path, read.compiled_path("f32"), read.compiled_path("bf16"), read.compiled_path("int8"))
    assert [path.name for path in paths] == [
        "fcn8s.keras",
        "fcn8s.openvino.xml",
        "fcn8s.openvino.xml",
        "fcn8s.openvino.int8.xml",
    ]


@pytest.mark.parametrize("name", ["unet.keras", artifact.CARD_FILE])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match=f"No {name} in"):
        artifact.read(folder)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not JSON"),
        ("[]", "has no 'format' of type int"),
        (json.dumps(card(format=2)), "has format 2. Expected 1"),
        (json.dumps(card(training=None)), "has no 'training' of type dict"),
        (json.dumps(card(input={"width": 128, "mean": 0, "std": 1})), "has no 'input.height' of type int"),
        (json.dumps(card(input={"height": 64, "width": 128, "mean": 0})), "has no 'input.std' of type number"),
        (json.dumps(card(name="../unet")), "has the name '../unet'"),
        (json.dumps(card(name="")), "has the name ''"),
        (json.dumps(card(categories=["void"])), "names the categories ['void']"),
        (json.dumps(card(categories=[{"name": "road"}])), "names the categories ['road']"),
    ],
)
def test_a_card_that_serving_cannot_live_on_is_refused(folder, text, says):
    (folder / artifact.CARD_FILE).write_text(text)
    with pytest.raises(ArtifactError) as refusal:
        artifact.read(folder)
    assert says in str(refusal.value)


def test_the_shipped_card_keeps_what_was_promised():
    shipped = artifact.read(artifact.DEFAULT_FOLDER)
    artifact.verify(shipped)
    scores = shipped.card["scores"]["validation"]
    assert scores["images"] == 280
    assert scores["mean_iou"] >= 0.76
    assert shipped.card["limitations"]
    assert any("non-commercial" in text.lower() for text in shipped.card["terms"].values())
    size = sum(path.stat().st_size for path in shipped.folder.iterdir())
    # The weights as float32 twice, for Keras and OpenVINO, and as int8; graphs, card and drawing beside them.
    assert size < 9 * shipped.card["parameters"] + 5_000_000


def test_an_input_s_sides_are_multiples_of_what_networks_halve_them_to():
    from model.networks import blocks

    assert artifact.STRIDE == blocks.STRIDE
