"""What the fuzzers start from, and every input they ever found. Way to be right: laws, those of
`tests/fuzz/targets.py`.

A finding becomes a test by `cp out/fuzz/TARGET/crash-... tests/fuzz/found/TARGET/what-was-wrong`; nothing
else is needed. Without atheris this is what remains of fuzzing, beside the random inputs of
tests/properties.
"""

import pytest

from tests.fuzz.__main__ import NAMES
from tests.fuzz.targets import FOUND, TARGETS

CASES = [(path.parent.name, path) for path in sorted(FOUND.glob("*/*"))]


@pytest.mark.parametrize(("name", "path"), CASES, ids=[f"{name}-{path.name}" for name, path in CASES])
def test_what_was_found_is_mended(name, path):
    TARGETS[name].test(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_is_content_with_its_seeds(name):
    seeds = TARGETS[name].seeds()
    assert len(seeds) > 3 and all(len(seed) <= TARGETS[name].length_max for seed in seeds)
    for seed in seeds:
        TARGETS[name].test(seed)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("data", [b"", b"\n", b"\0" * 100, b"\xff" * 5, b"[" * 3000])
def test_a_target_is_content_with_next_to_nothing(name, data):
    TARGETS[name].test(data)


def test_every_target_can_be_asked_for():
    assert tuple(TARGETS) == NAMES
