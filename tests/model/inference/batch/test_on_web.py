"""Photographs and videos on a web server, whose addresses may be signed."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from model.inference.batch import inputs

pytest.importorskip("aiohttp", reason="addresses of the web want requirements-storage.txt")
TOKEN = "sig=ab/c.d&se=2026"


@pytest.fixture
def web(photographs):
    """The address of a server that gives the bytes of one photograph to whoever knows the token, and 403 to others."""
    content = next(photographs.glob("*.png")).read_bytes()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            known = self.path.partition("?")[2] == TOKEN
            self.send_response(200 if known else 403)
            self.send_header("Content-Length", str(len(content) if known else 0))
            self.end_headers()
            if known and self.command == "GET":
                self.wfile.write(content)

        do_GET = do_HEAD = answer  # noqa: N815

        def log_message(self, *arguments) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"127.0.0.1:{server.server_port}", content
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("scheme", ["http", "HTTP"])
def test_a_signed_address_is_named_without_what_signs_it(web, scheme):
    host, content = web
    (item,) = inputs.find([f"{scheme}://{host}/day/b.png?{TOKEN}"])
    assert (item.name, item.stem, item.is_video) == ("b.png", "b", False)
    assert item.read() == content
    (item,) = inputs.find([f"{scheme}://{host}/day/b.mp4?{TOKEN}"])
    assert (item.name, item.is_video) == ("b.mp4", True)
    (item,) = inputs.find([f"{scheme}://{host}/day/b.mp4?{TOKEN}#t=10,20"])
    assert (item.name, item.is_video, item.read()) == ("b.mp4", True, content)
    both = [f"{scheme}://{host}/monday/b.png?{TOKEN}", f"{scheme}://{host}/tuesday/c.png?{TOKEN}"]
    assert [item.name for item in inputs.find(both)] == ["b.png", "c.png"]


def test_a_signed_archive_is_refused(web):
    with pytest.raises(ValueError, match="is an archive in a store"):
        inputs.find([f"http://{web[0]}/day/b.zip?{TOKEN}"])


def test_an_address_that_is_refused_is_one_sentence(web):
    with pytest.raises((OSError, ValueError), match=r"b\.png\?sig=old .*(cannot be reached|does not exist)"):
        inputs.find([f"http://{web[0]}/day/b.png?sig=old"])
