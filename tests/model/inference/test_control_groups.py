"""What control groups of both versions say, each written as files in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.inference import control_groups

GIBIBYTE = 1 << 30
MACHINE = 4 * GIBIBYTE


def _system(folder: Path, membership: str, **quotas: str) -> Path:
    """Write a file system with control groups; `quotas` are the contents of files, by path with / written as __."""
    (folder / "proc/self").mkdir(parents=True)
    (folder / "proc/self/cgroup").write_text(membership)
    for name, content in quotas.items():
        path = folder / "sys/fs/cgroup" / name.replace("__", "/")
        path.mkdir(parents=True, exist_ok=True)
        if "cfs" in content:
            quota, period = content.removeprefix("cfs ").split()
            (path / "cpu.cfs_quota_us").write_text(f"{quota}\n")
            (path / "cpu.cfs_period_us").write_text(f"{period}\n")
        elif content.startswith("memory"):
            file, limit = content.split()
            (path / file).write_text(f"{limit}\n")
        else:
            (path / "cpu.max").write_text(f"{content}\n")
    return folder


@pytest.mark.parametrize(("content", "quota"), [("150000 100000", 1.5), ("20000 50000", 0.4), ("max 100000", None)])
def test_version_2_says_quota_and_period_in_one_file(tmp_path, content, quota):
    system = _system(tmp_path, "0::/service\n", service=content)
    assert control_groups.processor_quota(system) == quota


@pytest.mark.parametrize("mount", ["cpu,cpuacct", "cpu"])
@pytest.mark.parametrize(
    ("content", "quota"), [("cfs 50000 100000", 0.5), ("cfs 300000 100000", 3), ("cfs -1 1000", None)]
)
def test_version_1_says_quota_and_period_in_two_files(tmp_path, mount, content, quota):
    system = _system(tmp_path, "5:memory:/big\n4:cpu,cpuacct:/service\n", **{f"{mount}__service": content})
    assert control_groups.processor_quota(system) == quota


def test_version_2_beside_version_1_is_looked_at_where_it_is_mounted(tmp_path):
    system = _system(tmp_path, "3:cpu:/\n0::/inner\n", cpu="cfs 400000 100000", unified__inner="200000 100000")
    assert control_groups.processor_quota(system) == 2


@pytest.mark.parametrize(
    ("outer", "inner", "quota"),
    [("100000 100000", "max 100000", 1), ("100000 100000", "200000 100000", 1), ("200000 100000", "50000 100000", 0.5)],
)
def test_the_tightest_of_nested_groups_counts(tmp_path, outer, inner, quota):
    system = _system(tmp_path, "0::/outer/middle/inner\n", outer=outer, outer__middle__inner=inner)
    assert control_groups.processor_quota(system) == quota


def test_a_group_that_is_not_the_process_s_own_does_not_count(tmp_path):
    system = _system(tmp_path, "0::/mine\n", mine="max 100000", other="50000 100000", mine__below="50000 100000")
    assert control_groups.processor_quota(system) is None


@pytest.mark.parametrize("path", ["/", "/../..", "/../../neighbour", "/docker/0123abcd"])
def test_a_container_finds_its_own_group_at_the_top(tmp_path, path):
    system = _system(tmp_path, f"0::{path}\n", **{".": "250000 100000"})
    # What lies outside the mounted groups is no group.
    (tmp_path / "sys/fs/cpu.max").write_text("50000 100000\n")
    assert control_groups.processor_quota(system) == 2.5


def test_a_colon_in_a_group_s_name_is_part_of_it(tmp_path):
    system = _system(tmp_path, "0::/unit:one\n", **{"unit:one": "70000 100000"})
    assert control_groups.processor_quota(system) == 0.7


def test_without_control_groups_there_is_no_quota(tmp_path):
    assert control_groups.processor_quota(tmp_path) is None
    assert control_groups.processor_quota(_system(tmp_path, "2:cpuset:/a\n1:cpu:/gone\n0::/gone\n")) is None


def _with_memory(system: Path) -> Path:
    (system / "proc/meminfo").write_text(f"MemTotal:       {MACHINE // 1024} kB\nMemFree:        1 kB\n")
    return system


@pytest.mark.parametrize(
    ("membership", "folder", "file"),
    [
        ("4:memory:/service\n", "memory/service", "memory.limit_in_bytes"),
        ("0::/service\n", "service", "memory.max"),
        ("3:cpu:/\n0::/service\n", "unified/service", "memory.max"),
    ],
)
@pytest.mark.parametrize(
    ("limit", "expected"),
    [(GIBIBYTE, GIBIBYTE), (9 * GIBIBYTE, MACHINE), (9_223_372_036_854_771_712, MACHINE), ("max", MACHINE)],
)
def test_memory_is_the_limit_or_what_the_machine_has(tmp_path, membership, folder, file, limit, expected):
    system = _with_memory(_system(tmp_path, membership, **{folder: f"{file} {limit}"}))
    assert control_groups.memory(system) == expected


def test_the_tightest_memory_limit_of_nested_groups_counts(tmp_path):
    inner, outer = f"memory.max {3 * GIBIBYTE}", f"memory.max {2 * GIBIBYTE}"
    system = _with_memory(_system(tmp_path, "0::/outer/inner\n", outer=outer, outer__inner=inner))
    assert control_groups.memory(system) == 2 * GIBIBYTE


def test_a_system_that_does_not_tell_has_no_known_memory(tmp_path):
    assert control_groups.memory(tmp_path) is None


def test_this_machine_has_memory():
    assert control_groups.memory() > 100_000_000
