"""Zip archives as they should be, and as nobody should trust them."""

from __future__ import annotations

import os
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from model.data.preparation.archives import Archive
from model.data.preparation.files import LARGEST_BYTES, in_folder
from model.data.preparation.sources import open_source

NOISE = np.random.default_rng(0).integers(0, 256, 40_000, np.uint8).tobytes()


def write(path: Path, members: dict[str, bytes], *, compression: int = zipfile.ZIP_STORED) -> Path:
    with warnings.catch_warnings():
        # zipfile warns of names that stand twice, which is what one of these tests is about.
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in members.items():
                archive.writestr(name.rstrip("*"), content)
    return path


def everything(name: str) -> bool:
    return True


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_members_are_listed_and_read_in_place(tmp_path, compression):
    path = write(tmp_path / "a.zip", {"README": b"", "x/one.png": NOISE, "x/two.png": b"2"}, compression=compression)
    files = Archive(path).files(lambda name: name.endswith(".png"))
    assert [file.name for file in files] == ["a.zip/x/one.png", "a.zip/x/two.png"]
    assert [file.size for file in files] == [len(NOISE), 1]
    assert files[0].read() == NOISE
    assert list(tmp_path.iterdir()) == [path]


def test_threads_read_at_the_same_time(tmp_path):
    contents = {f"{index}.png": NOISE[index:] for index in range(50)}
    archive = Archive(write(tmp_path / "a.zip", contents, compression=zipfile.ZIP_DEFLATED))
    files = archive.files(everything)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda file: file.read(), files * 3)) == list(contents.values()) * 3
    archive.close()


@pytest.fixture
def opened(monkeypatch) -> list[zipfile.ZipFile]:
    """Every handle that is opened from now on; a closed one has no file any more."""
    handles = []

    class Counted(zipfile.ZipFile):
        def __init__(self, *arguments, **options) -> None:
            super().__init__(*arguments, **options)
            handles.extend([self] * (self.mode == "r"))

    monkeypatch.setattr(zipfile, "ZipFile", Counted)
    return handles


def test_threads_that_ended_leave_their_handles_to_the_next(tmp_path, opened):
    files = Archive(write(tmp_path / "a.zip", {f"{index}.png": NOISE for index in range(8)})).files(everything)
    # As Keras does: new threads in every epoch.
    for _ in range(6):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda file: file.read(), files))
    assert len(opened) <= 3


def test_a_member_that_can_not_be_read_gives_its_handle_back(tmp_path, opened):
    path = write(tmp_path / "a.zip", {"x.png": NOISE, "y.png": b"y"})
    bad, good = Archive(path).files(everything)
    content = bytearray(path.read_bytes())
    content[20_000:20_100] = bytes(100)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.png can't be read"):
        bad.read()
    assert good.read() == b"y"
    assert len(opened) == 1


def test_a_closed_archive_holds_nothing_and_can_be_read_again(tmp_path, opened):
    archive = Archive(write(tmp_path / "a.zip", {"x.png": NOISE}))
    archive.close()
    assert [handle.fp for handle in opened] == [None]
    assert archive.files(everything)[0].read() == NOISE


def test_a_forked_process_does_not_share_a_place_in_the_file(tmp_path, opened, monkeypatch):
    files = Archive(write(tmp_path / "a.zip", {"x.png": NOISE})).files(everything)
    parent = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    files[0].read()
    assert len(opened) == 2


def test_another_content_has_another_stamp(tmp_path):
    stamps = {
        Archive(write(tmp_path / "a.zip", {"x.png": content})).files(everything)[0].stamp for content in (b"1", b"2")
    }
    assert len(stamps) == 2


@pytest.mark.parametrize(
    "name", ["../../etc/cron.d/job", "/etc/passwd", "leftImg8bit/../../x.png", "C:/x.png", "a\\..\\..\\x.png"]
)
def test_members_that_lead_out_of_the_folder_are_refused(tmp_path, name):
    path = write(tmp_path / "slip.zip", {"fine.png": b"", name: b"x"})
    with pytest.raises(ValueError, match=r"slip\.zip: 1 members lead out of the archive's folder"):
        Archive(path)


def test_names_that_stand_twice_are_refused(tmp_path):
    path = write(tmp_path / "a.zip", {"x.png": b"1", "x.png*": b"2"})
    with pytest.raises(ValueError, match=r"1 names stand twice, 'x\.png' first"):
        Archive(path)


@pytest.mark.parametrize("keep", [0, 10, 30_000, 40_100])
def test_a_truncated_archive_is_refused(tmp_path, keep):
    path = write(tmp_path / "half.zip", {"x.png": NOISE})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"half\.zip is no whole zip archive.*download it again"):
        Archive(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_member_is_named(tmp_path, compression):
    path = write(tmp_path / "a.zip", {"x.png": NOISE}, compression=compression)
    content = bytearray(path.read_bytes())
    content[20_000:20_100] = bytes(100)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.zip/x\.png can't be read.*download it again"):
        Archive(path).files(everything)[0].read()


def test_an_encrypted_archive_is_refused(tmp_path):
    path = write(tmp_path / "a.zip", {"x.png": b"1"})
    content = bytearray(path.read_bytes())
    # The flag's first bit, in the member's own header and in the list at the end.
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"1 members are encrypted, x\.png first.*without a password"):
        Archive(path).files(everything)


def test_an_unknown_compression_is_named(tmp_path):
    path = write(tmp_path / "a.zip", {"x.png": b"1"})
    content = bytearray(path.read_bytes())
    content[8] = content[content.rindex(b"PK\x01\x02") + 10] = 9
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.png can't be read: That compression method is not supported"):
        Archive(path).files(everything)[0].read()


def test_a_member_that_claims_to_be_huge_is_never_unpacked(tmp_path):
    path = write(tmp_path / "bomb.zip", {"x.png": b"1"})
    content = bytearray(path.read_bytes())
    start = content.rindex(b"PK\x01\x02") + 24
    content[start : start + 4] = (LARGEST_BYTES + 1).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"bomb\.zip/x\.png takes 268435457 bytes. Expected an image"):
        Archive(path).files(everything)[0].read()


def test_a_member_that_unpacks_to_more_than_it_claims_gives_no_more(tmp_path):
    path = write(tmp_path / "bomb.zip", {"x.png": bytes(50_000_000)}, compression=zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    start = content.rindex(b"PK\x01\x02") + 24
    content[start : start + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.png can't be read: Bad CRC-32"):
        Archive(path).files(everything)[0].read()


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / "a.tar").write_bytes(NOISE)
    with pytest.raises(ValueError, match=r"a\.tar is no whole zip archive"):
        open_source([tmp_path / "a.tar"])


def test_one_archive_without_the_other_says_that_both_are_needed(archives):
    for archive in archives:
        with pytest.raises(ValueError, match="both of them"):
            open_source([archive])


def test_what_macos_adds_to_an_archive_is_passed_over(dataset, tmp_path):
    members = {file.relative_to(dataset).as_posix(): file.read_bytes() for file in dataset.rglob("*.png")}
    members |= {f"__MACOSX/{Path(name).parent}/._{Path(name).name}": b"x" for name in list(members)}
    with open_source([write(tmp_path / "all.zip", {f"data/{name}": members[name] for name in members})]) as source:
        assert len(source.frames) == 12
        assert not source.problems


def test_hidden_files_of_a_folder_are_passed_over(tmp_path):
    for name in (".hidden.png", "seen.png"):
        (tmp_path / name).write_bytes(b"")
    assert [file.name for file in in_folder(tmp_path, ["*"])] == ["seen.png"]


def test_a_source_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere does not exist\. Expected zip archives"):
        open_source([tmp_path / "nowhere"])
