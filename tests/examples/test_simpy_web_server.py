"""Laws of the example: what its head claims of processor sharing holds, and its picture is drawn."""

import importlib.util
import pathlib

import numpy as np
import pytest

pytest.importorskip("simpy")

pytestmark = pytest.mark.slow  # 20 seconds of a server, three times

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "simpy_web_server.py"
SPEC = importlib.util.spec_from_file_location("simpy_web_server", SCRIPT)
example = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(example)


@pytest.fixture(scope="module")
def logs():
    return example.answers()


def median(log, size):
    return np.median(log[log[:, 0] == size, 1])


def test_the_same_requests_are_answered(logs):
    assert max(map(len, logs.values())) - min(map(len, logs.values())) < 10


def test_processor_sharing_is_what_theory_says():
    """A lone request among four hogs has a fifth of the CPU: 2 ms take 10."""
    env = example.simpy.Environment()
    cpu = example.ProcessorSharing(env)
    for _ in range(4):
        env.process(example.batch(cpu.task()))
    done = []

    def request():
        yield env.timeout(100)
        yield cpu.task().run(2)
        done.append(env.now)

    env.process(request())
    env.run(until=1000)
    assert done == [pytest.approx(110)]


def test_pages_are_answered_sooner_under_cfs_than_the_theory_says(logs):
    for size in (2, 8):
        assert 5 * median(logs["CFS, Linux 2.6.24"], size) < median(logs["processor sharing"], size)


def test_eevdf_is_near_processor_sharing(logs):
    for size in example.SIZES_MS:
        assert median(logs["EEVDF, Linux 6.18"], size) == pytest.approx(
            median(logs["processor sharing"], size), abs=2
        )


def test_the_picture_is_drawn(logs, tmp_path):
    pytest.importorskip("matplotlib")
    example.draw(logs, tmp_path / "web.png")
    assert (tmp_path / "web.png").stat().st_size > 20_000


def test_the_table_names_every_cpu(logs):
    assert all(name in example.table(logs) for name in example.CPUS)
