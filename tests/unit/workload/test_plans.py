"""Plans of tasks, and the lengths that are drawn for them."""

import numpy as np

from cfs.workload import Draws


def test_a_stream_is_the_words_of_pcg64():
    words = (
        np.random.PCG64(np.random.SeedSequence([3, ord("c"), ord("c"), ord("1")]))
        .random_raw(100)
        .tolist()
    )
    draw = Draws(3, "cc1")
    assert [draw(10, 16) for _ in range(100)] == [10 + word * 7 // 2**64 for word in words]
