"""The clients count what a server did, and see what is wrong with an answer."""

from __future__ import annotations

import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from bench import driver
from bench.driver import Job

SIZE = (20, 30)  # height, width


def png(size: tuple[int, int] = SIZE) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size[::-1], (1, 2, 3)).save(file, "PNG")
    return file.getvalue()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.received.append((body, self.client_address))
            status, answer = self.server.answers[(len(self.server.received) - 1) % len(self.server.answers)]
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Server-Timing", "decode;dur=1.5, network;dur=20")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.lock, server.received, server.answers = threading.Lock(), [], [(200, png())]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def job(server, **options) -> Job:
    given = {"bodies": [b"first", b"second"], "content_type": "image/jpeg", "sizes": [SIZE, SIZE]}
    return Job(port=server.server_address[1], path="/predict", **given | options)


def test_each_client_sends_one_photograph_after_the_other(server):
    result = driver.run(job(server, warm_up=1, requests=3))
    assert [body for body, _ in server.received] == [b"first", b"second", b"first", b"second"]
    # The one to warm up is not counted.
    assert result["photographs"] == [1, 0, 1]
    assert len(result["milliseconds"]) == len(result["ended"]) == 3
    assert result["timings"] == [{"decode": 1.5, "network": 20.0}] * 3
    assert (result["errors"], result["different"]) == ([], 0)


def test_connection_is_kept(server):
    driver.run(job(server, warm_up=0, requests=4))
    assert len({address for _, address in server.received}) == 1


def test_clients_send_side_by_side(server):
    result = driver.run(job(server, clients=4, warm_up=0, requests=2))
    assert len({address for _, address in server.received}) == 4
    assert len(result["milliseconds"]) == len(server.received) == 8


def test_answers_after_the_time_do_not_count(server):
    result = driver.run(job(server, clients=2, warm_up=0, seconds=0.2))
    assert max(result["ended"]) <= 0.2
    assert 0 < len(result["ended"]) <= len(server.received)


def test_failures_are_told_and_not_counted(server):
    server.answers = [(200, png()), (429, b""), (200, png((5, 5))), (200, png()[:-4])]
    result = driver.run(job(server, warm_up=0, requests=4))
    assert result["errors"] == ["status 429", "size 5 x 5", "not a whole PNG"]
    assert len(result["milliseconds"]) == 1


def test_other_bytes_for_the_same_photograph_are_told(server):
    other = png().replace(b"IHDR", b"IHDR")[:-12] + b"\0\0\0\0IEND\xaeB`\x82"
    server.answers = [(200, png()), (200, png()), (200, other + other[-8:])]
    assert driver.run(job(server, warm_up=0, requests=3))["different"] == 1


def test_json_needs_a_mask(server):
    server.answers = [(200, b'{"mask": "abc"}'), (200, b'{"mask": ""}'), (200, b"{")]
    result = driver.run(job(server, kind="json", warm_up=0, requests=3))
    assert result["errors"] == ["no mask", "not JSON"]


def test_nobody_there_is_an_error(server):
    unused = Job(port=1, path="/", bodies=[b""], content_type="image/jpeg", sizes=[SIZE], warm_up=0, requests=2)
    assert driver.run(unused)["errors"] == ["ConnectionRefusedError"] * 2


def test_form_holds_the_photograph_as_a_file_part():
    from werkzeug.test import EnvironBuilder
    from werkzeug.wrappers import Request

    kind = f"multipart/form-data; boundary={driver.BOUNDARY}"
    builder = EnvironBuilder(method="POST", data=driver.form(b"\xff\xd8 photograph"), content_type=kind)
    with Request(builder.get_environ()) as request:
        part = request.files["image"]
        assert (part.read(), part.mimetype) == (b"\xff\xd8 photograph", "image/jpeg")
