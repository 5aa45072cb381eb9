"""URLs that are refused, and stores that do not answer: one sentence each, which says what to do."""

from __future__ import annotations

import os

import fsspec
import pytest

from model.__main__ import main
from model.inference.batch import inputs, stores


def test_answers_into_a_bucket_that_is_not_there_are_refused(photographs, bucket, segment_into):
    out, why = f"{bucket}-gone/out", "The specified (bucket|container) does not exist"
    with pytest.raises(
        OSError, match=rf"{out}.* cannot be [a-z]+: {why}\. Expected a bucket or container that is there"
    ):
        segment_into(photographs, out)


def test_answers_of_other_options_are_not_mixed(photographs, bucket, segment_into, content):
    out = f"{bucket}/out"
    segment_into(photographs, out)
    before = content(out)
    with pytest.raises(ValueError, match=rf"{out} holds answers made with opacity 0\.5 \(now 0\.25\).*--restart"):
        segment_into(photographs, out, opacity=0.25)
    # The refused one leaves nothing that would stand in the way of the first.
    assert content(out) == before
    assert segment_into(photographs, out, opacity=0.25, restart=True) == (12, 0, 0)
    assert segment_into(photographs, out, opacity=0.25) == (0, 12, 0)


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("nope://bucket/x", "nope://bucket/x has the protocol 'nope'. Expected s3, abfs, gs or another"),
        ("{}://no-such-bucket/x", "://no-such-bucket/x does not exist. Expected an image, a folder or a pattern"),
        ("{}://no-such-bucket/*.png", "://no-such-bucket/*.png does not exist. Expected an image"),
    ],
)
def test_a_url_that_leads_nowhere_is_one_sentence(word, says, protocol, tmp_path, capsys):
    assert main(["segment", word.format(protocol), str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_without_credentials_it_says_what_is_missing(protocol, bucket, tmp_path, capsys, monkeypatch):
    for name in (name for name in os.environ if name.startswith(("AWS_", "AZURE_")) and "ENDPOINT" not in name):
        monkeypatch.delenv(name)
    # Else it would ask the machine for its role.
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    fsspec.get_filesystem_class(protocol).clear_instance_cache()
    assert main(["segment", bucket, str(tmp_path / "out")]) == 2
    fsspec.get_filesystem_class(protocol).clear_instance_cache()
    said = capsys.readouterr().err
    assert bucket in said
    assert "cannot be reached: " in said
    assert "redentials" in said.partition("Expected")[0]
    assert said.count("\n") == 1


def test_a_store_that_does_not_answer_is_one_sentence(protocol, tmp_path, capsys, monkeypatch):
    if protocol == "abfs":
        pytest.skip("Azure's library tries again for more than a minute")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    store = fsspec.get_filesystem_class(protocol)
    monkeypatch.setattr(store, "retries", 1)
    store.clear_instance_cache()
    assert main(["segment", "s3://bucket", str(tmp_path / "out")]) == 2
    store.clear_instance_cache()
    said = capsys.readouterr().err
    assert "s3://bucket/ cannot be reached: Could not connect to the endpoint URL" in said
    assert said.count("\n") == 1


def test_an_archive_in_a_store_is_refused(store, bucket):
    store.pipe_file(f"{bucket}/monday.zip", b"PK")
    with pytest.raises(ValueError, match=rf"{bucket}/monday\.zip is an archive in a store\. Expected images: copy"):
        inputs.find([f"{bucket}/monday.zip"])


def test_without_its_libraries_a_url_says_what_to_install(monkeypatch):
    monkeypatch.setattr(stores.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"not installed: `pip install -r requirements-storage\.txt`"):
        stores.path("s3://bucket/x")


def test_a_store_whose_library_is_missing_says_so():
    with pytest.raises(ValueError, match=r"gs://bucket/x needs a library that is not installed: .*gcsfs"):
        stores.path("gs://bucket/x")
