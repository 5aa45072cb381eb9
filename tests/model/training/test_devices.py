"""Several devices and hosts give the losses of one at the same global batch, on JAX in processes of their own."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model.training import devices
from model.training.devices import Devices

ROOT = Path(__file__).resolve().parents[3]


def start(*arguments: str, local_devices: int = 1) -> subprocess.Popen:
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={local_devices}",
    }
    command = [sys.executable, "-m", "tests.model.training.two_devices", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def answer(process: subprocess.Popen) -> dict:
    output, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    return json.loads(output.splitlines()[-1])


@pytest.fixture(scope="module")
def one(scenes, tmp_path_factory) -> dict:
    """What one device gives."""
    return answer(start(scenes, tmp_path_factory.mktemp("one"), "1"))


@pytest.mark.long
def test_two_devices_give_the_losses_of_one(one, scenes, tmp_path):
    two = answer(start(scenes, tmp_path, "auto", local_devices=2))
    assert (one["devices"], two["devices"]) == ([1], [2])
    assert len(one["losses"]) == 9
    assert one["losses"][-1] < one["losses"][0]
    np.testing.assert_allclose(two["losses"], one["losses"], rtol=1e-6)
    np.testing.assert_allclose(two["weights"], one["weights"], rtol=1e-5)
    assert len(two["epochs"]) == 2
    np.testing.assert_allclose(two["epochs"], one["epochs"], rtol=1e-3)


@pytest.mark.long
def test_two_hosts_give_the_losses_of_one(one, scenes, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        leader = f"127.0.0.1:{probe.getsockname()[1]}"
    hosts = [start(scenes, tmp_path, "auto", f"{leader},127.0.0.1:1", index) for index in range(2)]
    answers = [answer(host) for host in hosts]
    assert answers[0] == answers[1]
    assert answers[0]["devices"] == [2]
    assert answers[0]["total"] == [2**41 + 1]
    np.testing.assert_allclose(answers[0]["losses"], one["losses"], rtol=1e-6)
    np.testing.assert_allclose(answers[0]["weights"], one["weights"], rtol=1e-5)
    np.testing.assert_allclose(answers[0]["epochs"], one["epochs"], rtol=1e-3)


def test_things_are_shared_out_once_each():
    parts = [Devices(processes=3, process=process).share(list(range(8))) for process in range(3)]
    assert sorted(each for part in parts for each in part) == list(range(8))
    assert [Devices(processes=3, process=process).writes for process in range(3)] == [True, False, False]


def test_a_batch_that_can_not_be_shared_out_is_refused(monkeypatch):
    monkeypatch.setattr(devices.keras.distribution, "DataParallel", lambda **_: None)
    Devices(["cpu:0", "cpu:1"]).check(batch_size=4)
    with pytest.raises(ValueError, match=r"--batch-size is 5 on 2 devices\. Expected a multiple"):
        Devices(["cpu:0", "cpu:1"]).check(batch_size=5)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (
            "2",
            "--devices is 2 on the backend tensorflow. Expected 1 or auto: keras.distribution shares batches out",
        ),
        ("0", "--devices is 0. Expected auto, or a number of at least 1"),
        ("all", "--devices is all. Expected auto, or a number of at least 1"),
    ],
)
def test_devices_that_can_not_be_had_are_refused(wanted, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        devices.choose(wanted)


@pytest.mark.parametrize(
    ("hosts", "index", "says"),
    [
        ("a:1,b:1", 0, "--hosts on the backend tensorflow. Expected JAX"),
        (None, 1, "--host-index is 1 without --hosts"),
    ],
)
def test_hosts_that_can_not_be_joined_are_refused(hosts, index, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        devices.join(hosts, index)


@pytest.mark.parametrize("index", [None, 2, -1])
def test_a_host_that_is_none_of_the_hosts_is_refused(index, monkeypatch):
    monkeypatch.setattr(devices.keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match=f"--host-index is {index} for 2 --hosts. Expected 0 to 1"):
        devices.join("a:1,b:1", index)


def test_one_device_changes_nothing():
    alone = devices.choose("1")
    assert (alone.names, alone.writes) == ((), True)
    counts = np.arange(4)
    assert alone.total(counts) is counts
    alone.check(batch_size=3)
