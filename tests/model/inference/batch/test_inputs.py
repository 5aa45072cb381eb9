"""From words of the command line to images: files, folders, patterns, archives; and what is refused."""

from __future__ import annotations

import os
import zipfile

import pytest

from model.inference.batch import inputs


def names(*words, **options) -> list[str]:
    return [item.name for item in inputs.find(words, **options)]


@pytest.fixture
def archive(photographs, tmp_path):
    path = tmp_path / "photographs.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for file in photographs.rglob("*"):
            bundle.write(file, file.relative_to(photographs))
        bundle.writestr("__MACOSX/north/._01.png", b"of macOS")
    return path


def test_a_folder_gives_its_images_at_any_depth_by_name(photographs):
    found = names(photographs)
    assert len(found) == 12
    assert found == sorted(found)
    assert {"00.png", "north/01.png", "north/early/02.png"} <= set(found)


def test_an_archive_gives_the_same_as_the_folder(photographs, archive):
    folder, packed = inputs.find([photographs]), inputs.find([archive])
    assert [(item.name, item.stem) for item in packed] == [(item.name, item.stem) for item in folder]
    assert [item.read() for item in packed] == [item.read() for item in folder]


def test_a_pattern_gives_paths_below_its_part_without_wildcards(photographs):
    assert names(f"{photographs}/north/**/*.png") == names(photographs / "north")
    assert names(f"{photographs}/*.png") == ["00.png", "03.png", "06.png", "09.png"]


def test_a_pattern_of_the_working_folder(photographs, monkeypatch):
    monkeypatch.chdir(photographs)
    assert names("*/0*.png") == ["north/01.png", "north/04.png", "north/07.png"]


def test_a_file_may_have_any_ending(photographs):
    (photographs / "picture").write_bytes((photographs / "00.png").read_bytes())
    assert names(photographs / "picture") == ["picture"]


def test_several_words_are_told_apart_by_their_last_part(photographs, archive):
    found = names(photographs / "north", archive, photographs / "00.png")
    assert {"north/01.png", "photographs/00.png", "00.png"} <= set(found)


def test_answers_within_the_folder_are_no_images(photographs):
    (photographs / "out" / "mask").mkdir(parents=True)
    (photographs / "out" / "mask" / "00.png").write_bytes(b"an answer")
    assert not any(name.startswith("out/") for name in names(photographs, besides=photographs / "out"))
    pattern = f"{photographs}/**/*.png"
    assert not any(name.startswith("out/") for name in names(pattern, besides=photographs / "out"))


def test_images_that_differ_by_their_ending_alone_keep_it(photographs):
    (photographs / "00.JPG").write_bytes(b"another")
    stems = {item.name: item.stem for item in inputs.find([photographs])}
    assert (stems["00.png"], stems["00.JPG"], stems["03.png"]) == ("00.png", "00.JPG", "03")


def test_two_images_of_one_name_are_refused(photographs):
    with pytest.raises(ValueError, match=r"1 images have the name of another, 00\.png first.*into two folders"):
        names(photographs / "00.png", photographs / "00.png")


@pytest.mark.parametrize("word", ["nowhere", "nowhere/*.png", "empty"])
def test_nothing_there_is_refused(word, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=f"{word.replace('*', '.')}.*Expected a file, a folder, a pattern or a zip"):
        names(tmp_path / word)


@pytest.mark.parametrize("path", ["../out.png", "/out.png", "a/../../out.png"])
def test_an_archive_that_leads_out_of_its_folder_is_refused(path, tmp_path):
    with zipfile.ZipFile(tmp_path / "slip.zip", "w") as bundle:
        bundle.writestr(path, b"x")
    with pytest.raises(ValueError, match=r"slip\.zip: .*out\.png leads out of the archive"):
        names(tmp_path / "slip.zip")


def test_what_is_damaged_within_an_archive_is_said_when_it_is_read(archive, tmp_path):
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as bundle:
        start = bundle.getinfo("00.png").header_offset
    data[start + 60 : start + 90] = bytes(30)
    (tmp_path / "bad.zip").write_bytes(data)
    items = {item.name: item for item in inputs.find([tmp_path / "bad.zip"])}
    with pytest.raises(ValueError, match=r"bad\.zip holds it in a way that cannot be read.*Pack it anew"):
        items["00.png"].read()
    assert items["03.png"].read()


def test_more_bytes_than_an_image_has_are_not_read(archive, photographs, monkeypatch):
    monkeypatch.setattr(inputs, "MOST_BYTES", 10)
    for word in (archive, photographs):
        item, *_ = inputs.find([word])
        with pytest.raises(ValueError, match=r"00\.png has [0-9,]+ bytes\. Expected 10 at most"):
            item.read()


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX alone")
def test_a_name_that_is_no_utf_8_is_shown_by_its_bytes(photographs):
    (photographs / os.fsdecode(b"caf\xe9.png")).write_bytes((photographs / "00.png").read_bytes())
    (found,) = (item for item in inputs.find([photographs]) if item.name.startswith("caf"))
    assert found.name == "caf\\xe9.png"
    assert found.read()
