"""The fuzzer's pictures are what they claim to be, and a few hundred of them are answered over a real socket."""

from __future__ import annotations

import collections

from bench.reliability import fuzz, mutations
from bench.reliability.target import started
from model.inference import images


def test_every_original_is_taken_but_the_fax():
    refused = []
    for name, data in mutations.originals().items():
        try:
            assert images.decode(data).shape[2] == 3
        except images.UnsupportedImage:
            refused.append(name)
    assert refused == ["tiff fax"]


def test_a_number_always_gives_the_same_mutant():
    first = [mutations.mutant(number) for number in range(60)]
    mutations.originals.cache_clear()
    assert [mutations.mutant(number) for number in range(60)] == first


def test_every_way_is_gone_and_most_mutants_are_damaged():
    made = [mutations.mutant(number) for number in range(400)]
    ways = collections.Counter(each.way for each in made)
    assert len(ways) == 8
    assert min(ways.values()) > 20
    unharmed = sum(each.data == mutations.originals().get(each.origin) for each in made)
    assert unharmed < 20


def test_sizes_in_headers_are_believed_so_that_limits_are_tried():
    made = [mutations.mutant(number) for number in range(600)]
    too_large = 0
    for each in made:
        if each.way == "resize":
            try:
                images.decode(each.data)
            except images.ImageTooLarge:
                too_large += 1
            except images.ImageError:
                pass
    assert too_large > 10


def test_mutants_are_answered_or_refused_and_the_worker_lives(small_network):
    with started() as target:
        worker = target.worker()
        cases, _ = fuzz.ask_all(target, range(400), clients=2)
        assert target.worker() == worker
    assert len(cases) == 400
    unexpected = [case[0] for case in cases if case.status not in fuzz.EXPECTED]
    assert unexpected == []
