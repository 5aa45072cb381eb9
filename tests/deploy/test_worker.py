"""What happens to requests at gunicorn's door: over real sockets, under startup.sh's own command."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.app.clients import encoded
from tests.deploy.conftest import LIMIT, request_bytes, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, and POLLRDHUP is Linux's")

ONE_AT_A_TIME = {"STREETSEG_CONCURRENCY": 1}


def read_all(connection: socket.socket) -> bytes:
    with connection:
        return b"".join(iter(lambda: connection.recv(65536), b""))


def waiting(service) -> float:
    return service.metric("streetseg_queue_waiting")


def test_nothing_is_run_for_a_client_that_left_while_it_waited(start, picture):
    service = start(**ONE_AT_A_TIME)
    service.hold()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(service.ask, "POST", "/predict?format=json", picture)
        wait_until(lambda: service.runs() == 1)
        service.send(request_bytes(picture)).close()
        wait_until(lambda: any(line["status"] == 499 for line in service.requests()))
        service.release()
        assert first.result().status == 200
    assert service.ask("POST", "/predict?format=json", picture).status == 200
    assert service.runs() == 2
    assert service.metric('streetseg_refusals_total{reason="client-left"}') == 1


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_client_that_only_ended_its_side_is_answered(start, picture, version):
    service = start(**ONE_AT_A_TIME)
    service.hold()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(service.ask, "POST", "/predict?format=json", picture)
        wait_until(lambda: service.runs() == 1)
        second = service.send(request_bytes(picture, version=version))
        second.shutdown(socket.SHUT_WR)
        wait_until(lambda: waiting(service) == 1)
        service.release()
        assert b"200 OK" in read_all(second)
        assert first.result().status == 200


def test_requests_sent_ahead_are_all_answered(start, picture):
    service = start()
    connection = service.send(request_bytes(picture) + request_bytes(picture, extra="Connection: close\r\n"))
    assert read_all(connection).count(b"HTTP/1.1 200 OK") == 2


def test_a_full_queue_refuses_with_retry_after_and_reads_on_what_is_still_sent(start, picture):
    service = start(STREETSEG_QUEUE_DEPTH=1, **ONE_AT_A_TIME)
    service.hold()
    with ThreadPoolExecutor() as pool:
        accepted = [pool.submit(service.ask, "POST", "/predict?format=json", picture)]
        wait_until(lambda: service.runs() == 1)
        accepted.append(pool.submit(service.ask, "POST", "/predict?format=json", picture))
        wait_until(lambda: waiting(service) == 1)
        refused = list(pool.map(lambda _: service.ask("POST", "/predict", picture + bytes(10_000_000)), range(6)))
        service.release()
        assert {answer.status for answer in refused} == {429}
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
        assert [answer.result().status for answer in accepted] == [200, 200]


def test_what_came_before_the_end_is_answered_and_what_comes_later_is_told(start, picture):
    service = start(**ONE_AT_A_TIME)
    kept = [http.client.HTTPConnection("127.0.0.1", service.port, timeout=LIMIT) for _ in range(2)]
    assert [service.ask("GET", "/livez", connection=each).status for each in kept] == [200, 200]
    service.hold()
    before = [service.send(request_bytes(picture, extra="Connection: close\r\n")) for _ in range(8)]
    service.process.send_signal(signal.SIGTERM)
    wait_until(lambda: service.ask("GET", "/readyz").status == 503)
    ready = service.ask("GET", "/readyz", connection=kept[0])
    assert (ready.status, json.loads(ready.body)["type"]) == (503, "urn:streetseg:problem:draining")
    late = service.ask("POST", "/predict", picture, connection=kept[1])
    assert (late.status, json.loads(late.body)["type"]) == (503, "urn:streetseg:problem:draining")
    assert (late.headers["Connection"], int(late.headers["Retry-After"]) >= 1) == ("close", True)
    assert service.ask("POST", "/predict", picture).status == 503
    assert service.ask("GET", "/livez").status == 200
    assert service.ask("GET", "/v2/health/live").status == 200
    service.release()
    assert [b"200 OK" in read_all(each) for each in before] == [True] * 8
    assert service.process.wait(LIMIT) == 0


def test_no_accepted_request_is_lost_when_told_to_stop_under_load(start, picture):
    service = start()
    lost, answered, refused = [], [], []

    def keep_asking(_):
        while True:
            try:
                connection = service.connect()
            except OSError:
                return  # the port is closed: nothing was accepted
            try:
                connection.sendall(request_bytes(picture, extra="Connection: close\r\n"))
                answer = read_all(connection)
            except OSError:
                answer = b""
            kind = answered if b" 200 OK" in answer else refused if b" 503 " in answer else lost
            kind.append(answer)

    with ThreadPoolExecutor(8) as pool:
        clients = [pool.submit(keep_asking, number) for number in range(8)]
        wait_until(lambda: len(answered) > 100)
        service.process.send_signal(signal.SIGTERM)
        for client in clients:
            client.result(LIMIT)
    assert service.process.wait(LIMIT) == 0
    assert not lost


def test_ready_again_after_its_worker_was_killed(start, picture):
    service = start()
    killed = service.worker()
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: service.worker() not in (0, killed) and service.is_ready())
    assert service.ask("POST", "/predict?format=json", picture).status == 200


def test_slow_and_idle_clients_keep_nobody_waiting(start, picture):
    service = start()
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
    starts = [
        b"",
        b"POST",
        head + b"Content-Length: 9999\r\n\r\n\x89",
        head + b"Transfer-Encoding: chunked\r\n\r\nfff\r\nx",
    ]
    crowd = [service.send(start) for start in starts for _ in range(90)]
    assert service.ask("POST", "/predict?format=json", picture).status == 200
    for each in crowd:
        each.close()


@pytest.mark.parametrize(
    "start_of_request",
    [b"POST /predict HTTP/1.1\r\nHost: x\r\n", request_bytes(bytes(1000))[:-1]],
    ids=["head", "body"],
)
def test_a_request_that_comes_too_slowly_is_refused_with_408(start, start_of_request):
    service = start(STREETSEG_READ_PATIENCE=0.3)
    head, _, body = read_all(service.send(start_of_request)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == 408


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"GET /livez?" + b"x" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n", 431),
        (b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: wonders\r\n\r\n", 501),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\n\r\n", 417),
        (b"what is this\r\n\r\n", 400),
    ],
    ids=["line", "field", "coding", "expectation", "not-http"],
)
def test_what_cannot_be_read_as_a_request_is_refused_with_a_problem(start, request_head, status):
    service = start()
    head, _, body = read_all(service.send(request_head)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == status
    assert service.ask("GET", "/livez", b"").status == 200


def test_two_clients_never_get_each_others_answer(start):
    service = start()

    def ask(width: int) -> int:
        body = encoded(np.zeros((2, width, 3), np.uint8))
        return json.loads(service.ask("POST", "/predict?format=json", body).body)["image"]["width"]

    widths = [1 + number % 37 for number in range(300)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, widths)) == widths


def test_the_log_has_one_line_for_each_request_and_no_address(start, picture):
    service = start()
    service.ask("POST", "/predict?format=json&opacity=0.123", picture)
    (line,) = [each for each in service.requests() if each["method"] == "POST"]
    assert (line["route"], line["status"], line["format"]) == ("/predict", 200, "json")
    service.send(b"nonsense\r\n\r\n").close()
    wait_until(lambda: "Invalid" in service.log())
    assert "0.123" not in service.log()
    assert "127.0.0.1" not in service.log()
