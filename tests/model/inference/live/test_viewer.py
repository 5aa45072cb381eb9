"""The page of what is seen live, for a browser, FFmpeg, OpenCV and curl."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import av
import cv2
import numpy as np
import pytest

from model.inference.live import viewer
from model.inference.live.viewer import Board, shown
from tests.app.clients import opened
from tests.model.inference.live.camera import number_of, picture


@pytest.fixture
def board():
    return Board()


@pytest.fixture
def address(board):
    with shown(board, ("127.0.0.1", 0)) as address:
        yield address


@pytest.fixture
def shows_on(board):
    """Puts pictures 1, 2, ... on the board, one every hundredth of a second, until the test ends."""
    over = threading.Event()

    def run() -> None:
        for number in range(1, 10_000):
            board.put(picture(number % 20), {"number": number})
            if over.wait(0.01):
                return

    thread = threading.Thread(target=run)
    thread.start()
    yield
    over.set()
    thread.join()


def get(address: str, **headers: str) -> bytes:
    with urlopen(Request(address, headers=headers), timeout=20) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.read()


def test_the_newest_picture_and_its_figures(board, address):
    assert json.loads(get(address + "figures")) == {}
    board.put(picture(3), {"rate": 1})
    board.put(picture(7), {"rate": 2})
    image = np.asarray(opened(get(address + "picture")))
    assert (image.shape, number_of(image)) == ((48, 64, 3), 7)
    figures = json.loads(get(address + "figures"))
    assert figures.pop("silent_s") >= 0
    assert figures == {"rate": 2}


def test_a_picture_is_encoded_only_where_somebody_looks_and_once_for_all(board, address, monkeypatch):
    encoded, real = [], viewer.simplejpeg.encode_jpeg
    monkeypatch.setattr(viewer.simplejpeg, "encode_jpeg", lambda *a, **k: encoded.append(1) or real(*a, **k))
    for number in range(5):
        board.put(picture(number), {})
    assert not encoded
    assert get(address + "picture") == get(address + "picture")
    assert len(encoded) == 1


def test_ffmpeg_plays_it(address, shows_on):
    with av.open(address + "pictures", timeout=20) as container:
        frames = container.decode(video=0)
        numbers = [number_of(next(frames).to_ndarray(format="rgb24")) for _ in range(15)]
    steps = {(after - before) % 20 for before, after in itertools.pairwise(numbers)}
    assert 0 not in steps


def test_opencv_plays_it(address, shows_on):
    capture = cv2.VideoCapture(address + "pictures")
    there, image = capture.read()
    capture.release()
    assert (there, image.shape) == (True, (48, 64, 3))


def test_who_looks_is_let_go_when_it_is_over(board):
    with shown(board, ("127.0.0.1", 0)) as address:
        board.put(picture(1), {})
        answer = urlopen(address + "pictures", timeout=20)
        assert answer.readline() == b"--picture\r\n"
    # To its end, and no further.
    assert answer.read().count(b"--picture") == 0


def test_who_leaves_takes_nobody_along(address, shows_on, capfd):
    host, port = address.removeprefix("http://").strip("/").split(":")
    for _ in range(3):
        with socket.create_connection((host, int(port))) as leaver:
            leaver.sendall(b"GET /pictures HTTP/1.0\r\nHost: localhost\r\n\r\n")
            leaver.recv(100)
    time.sleep(0.1)
    assert get(address + "picture")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("host", ["localhost", "localhost:8001", "127.0.0.1:8001", "[::1]:8001"])
def test_this_machine_may_look_by_any_of_its_names(address, host):
    assert b"<title>streetseg live</title>" in get(address, Host=host)


@pytest.mark.parametrize(("path", "host", "status"), [("", "evil.example", 403), ("unknown", "localhost", 404)])
def test_what_is_refused(address, path, host, status):
    with pytest.raises(HTTPError) as refused:
        get(address + path, Host=host)
    assert refused.value.code == status
    refused.value.close()


def test_who_opened_it_to_others_lets_any_name_in(board):
    with shown(board, ("0.0.0.0", 0)) as address:
        assert b"live" in get(address.replace("0.0.0.0", "127.0.0.1"), Host="camera.example")


def test_a_port_that_is_taken_is_named(address, board):
    port = int(address.strip("/").rpartition(":")[2])
    with pytest.raises(ValueError, match=rf"--view cannot listen at 127.0.0.1:{port}: Address already in use. Expec"):
        shown(board, ("127.0.0.1", port)).__enter__()


@pytest.mark.parametrize(
    ("text", "where"), [("8001", ("127.0.0.1", 8001)), ("0.0.0.0:80", ("0.0.0.0", 80)), ("0", ("127.0.0.1", 0))]
)
def test_ports_are_read(text, where):
    assert viewer.address(text) == where


@pytest.mark.parametrize("text", ["", "eight", "70000", "host:", "-1"])
def test_what_is_no_port(text):
    with pytest.raises(ValueError, match="Expected a port such as 8001"):
        viewer.address(text)
