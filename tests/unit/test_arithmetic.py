"""The arithmetic from Python. Ways to be right: golden traces (every row of the kernel's own function
values), the specification's check values and worked examples (sections 4 and 10), and Python integers as a
witness.
"""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cfs import GroupError, StateError
from cfs.arithmetic import (
    calc_delta,
    calc_delta_fair,
    inverse_on_first_use,
    load_from_nice,
    load_from_shares,
    sched_period,
    sched_slice,
    sched_vslice,
    vruntime_before,
    vruntime_difference,
)

VECTORS = Path(__file__).parents[1] / "data" / "conformance" / "linux-2.6.24-cfs" / "calc_delta.jsonl.gz"
WORD = 2**64

words = (
    st.integers(0, WORD - 1)
    | st.integers(0, 2**33)
    | st.integers(0, 2**64 - 1).map(lambda x: WORD - 1 - x // 2**40)
)


def rows(function):
    with gzip.open(VECTORS, "rt") as lines:
        found = [row for row in map(json.loads, lines) if row.get("f") == function]
    assert found, f"{VECTORS.name} has no rows of {function}"
    return found


def columns(found, *names):
    """One uint64 array for each name."""
    return [np.array([row[name] for row in found], np.uint64) for name in names]


# ---- Golden: each row of the file ----------------------------------------------------------------


def test_every_function_of_the_vectors_has_its_test():
    """A kind of row that nobody looks at must not pass in silence."""
    with gzip.open(VECTORS, "rt") as lines:
        kinds = {json.loads(line).get("f") for line in lines} - {None}
    assert kinds == {
        "prio_to_weight",
        "prio_to_wmult",
        "load_weight",
        "shares_inv",
        "calc_delta_mine",
        "slices",
    }


def test_the_tables_are_those_of_the_kernel():
    loads = load_from_nice(np.arange(-20, 20))
    assert loads.weight.tolist() == rows("prio_to_weight")[0]["table"]
    assert loads.inv_weight.tolist() == rows("prio_to_wmult")[0]["table"]


def test_every_load_weight_of_the_kernel():
    for row in rows("load_weight"):
        assert load_from_nice(row.get("nice", 0), row["policy"]) == (row["weight"], row["inv_weight"])


def test_every_inverse_of_shares_of_the_kernel():
    """Above 2**32 the kernel stores 0 and makes the inverse at the first use (specification 4.1, 5.16)."""
    found = rows("shares_inv")
    shares, expected = columns(found, "shares", "inv_weight")
    loads = load_from_shares(shares)
    assert np.array_equal(loads.weight, shares)
    stored = expected != 0
    assert np.array_equal(loads.inv_weight[stored], expected[stored])
    assert np.array_equal(loads.inv_weight[~stored], inverse_on_first_use(shares[~stored]))


def test_every_weighted_delta_of_the_kernel():
    found = rows("calc_delta_mine")
    delta, n, expected, inverse_after = columns(found, "delta", "weight", "result", "inv_after")
    weight, inv_weight = np.array([row["lw"] for row in found], np.uint64).T
    assert np.array_equal(calc_delta(delta, n, weight, inv_weight), expected)
    missing = inv_weight == 0
    assert missing.any()
    assert np.array_equal(inverse_on_first_use(weight[missing]), inverse_after[missing])


def test_every_period_and_slice_of_the_kernel():
    found = rows("slices")
    latency, nr_latency, nr, queue, weight = columns(
        found, "latency", "nr_latency", "nr_running", "rq_weight", "weight"
    )
    period, slice_ns, vslice, vslice_add = columns(
        found, "period", "sched_slice", "sched_vslice", "sched_vslice_add"
    )
    tunables = {"sched_latency_ns": latency, "sched_nr_latency": nr_latency}
    one = np.uint64(1)
    assert np.array_equal(sched_period(nr, **tunables), period)
    assert np.array_equal(sched_slice(weight, queue, nr, **tunables), slice_ns)
    assert np.array_equal(sched_vslice(queue, nr, **tunables), vslice)
    assert np.array_equal(sched_vslice(queue + weight, nr + one, **tunables), vslice_add)


def test_single_values_are_those_of_arrays():
    for row in rows("calc_delta_mine")[::97]:
        assert calc_delta(row["delta"], row["weight"], *row["lw"]) == row["result"]


# ---- Worked examples of the specification --------------------------------------------------------


@pytest.mark.parametrize(
    ("delta", "nice", "expected"),
    [
        (4_000_000, 5, 12_226_866),
        (4_194_304, 5, 12_820_798),
        (5_000_000, 5, 15_283_582),
        (10_000_000, -5, 3_281_000),
        (1000, -20, 12),
        (3_998_000, 5, 12_220_752),
    ],
)
def test_fair_deltas_of_the_specification(delta, nice, expected):
    assert calc_delta_fair(delta, *load_from_nice(nice)) == expected


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        (0, 0),
        (1, 4_294_966_784),
        (1000, 4_294_455_296),
        (4_194_304, 2_147_483_648),
        (5_000_000, 281_472_416_710_656),
    ],
)
def test_policy_idle_keeps_its_sign_extended_inverse(delta, expected):
    load = load_from_nice(0, "idle")
    assert load == (2, WORD - 2**31)
    assert calc_delta_fair(delta, *load) == expected


def test_a_delta_at_weight_1024_is_not_computed_at_all():
    """Specification 4.2: even where the product would wrap, and whatever the inverse is."""
    assert calc_delta_fair(WORD - 1, 1024, 1) == WORD - 1


def test_charges_cannot_be_merged():
    """Each rounds to nearest (specification 7.10): at nice -20 one ns is 0.0115 virtual ns, so 0; 1000 ns
    are 12.
    """
    load = load_from_nice(-20)
    assert calc_delta_fair(np.ones(1000, np.uint64), *load).sum() == 0
    assert calc_delta_fair(1000, *load) == 12


def test_slices_of_the_worked_examples():
    assert sched_vslice(1359, 2) == 15_069_904  # 10.1
    assert sched_slice(335, 1359, 2) == 4_930_095
    assert sched_slice(1024, 1359, 2) == 15_069_904
    assert sched_vslice(2158, 3) == 9_490_268  # 10.3
    assert sched_period(6) == 24_000_000
    assert sched_slice(512, 1536, 2) == 6_666_666  # 10.4


@given(st.integers(0, 2**64 - 1))
@example(2**32)
@example(2**32 + 1)
def test_no_load_leaves_without_an_inverse(shares):
    """I1 of cfs/_load.pyx: so a charge needs no test."""
    assert load_from_shares(shares).inv_weight != 0


def test_a_divisor_is_cut_to_32_bits():
    assert sched_slice(1024, 2**32 + 2048, 2) == sched_slice(1024, 2048, 2) == 10_000_000


def test_shares_below_2_become_2():
    assert load_from_shares([0, 1, 2]).weight.tolist() == [2, 2, 2]


def test_the_initial_group_of_users_has_half_the_inverse():
    assert load_from_shares(2048).inv_weight == 2_097_152


# ---- A witness in plain integers -----------------------------------------------------------------


def rounded_shift(x, k):
    return (x + 2 ** (k - 1)) % WORD >> k


def witness_delta(delta, n, weight, inv_weight):
    """Specification 4.1, step by step."""
    if inv_weight == 0:
        inv_weight = (2**32 - weight // 2) % WORD // weight + 1
    t = delta * n % WORD
    if t > 2**32:
        t = rounded_shift(rounded_shift(t, 16) * inv_weight % WORD, 16)
    else:
        t = rounded_shift(t * inv_weight % WORD, 32)
    return min(t, 2**63 - 1)


@given(words, words, st.integers(1, WORD - 1), words)
@example(2**22, 1024, 335, 12_820_798)
@example(2**22 + 1, 1024, 335, 12_820_798)
@example(WORD - 1, WORD - 1, WORD - 1, 0)
def test_calc_delta_follows_the_specification_on_any_words(delta, n, weight, inv_weight):
    assert calc_delta(delta, n, weight, inv_weight) == witness_delta(delta, n, weight, inv_weight)


@given(st.integers(0, 2**63 - 1), st.integers(1, 2**20))
def test_a_result_never_reaches_2_to_the_63(delta, weight):
    assert calc_delta(delta, 1024, weight) < 2**63


@given(words, words)
def test_a_difference_is_the_signed_distance_on_the_circle(a, b):
    assert vruntime_difference(a, b) == (a - b + 2**63) % WORD - 2**63


@given(words, st.integers(1, 2**63 - 1))
def test_later_by_less_than_half_the_circle_is_not_before(a, distance):
    later = (a + distance) % WORD
    assert vruntime_before(a, later) and not vruntime_before(later, a)


def test_nothing_is_before_itself():
    assert vruntime_before(7, 7) is False


# ---- Arrays --------------------------------------------------------------------------------------


def test_arguments_are_broadcast():
    loads = load_from_nice(np.arange(-20, 20))
    table = calc_delta_fair(np.array([[1000], [4_000_000], [5_000_000]]), *loads)
    assert table.shape == (3, 40) and table.dtype == np.uint64
    assert table[1, 25] == 12_226_866


def test_policies_are_broadcast_against_nice_values():
    loads = load_from_nice([[0], [5]], ["normal", "idle"])
    assert loads.weight.tolist() == [[1024, 2], [335, 2]]


def test_any_layout_and_integer_type_will_do():
    deltas = np.arange(24, dtype=np.int16).reshape(4, 6)[::2, ::-2]
    assert calc_delta_fair(deltas, 512, 2**23).tolist() == (2 * deltas).tolist()


def test_an_empty_array_gives_an_empty_array():
    assert calc_delta([], 1024, 335).shape == (0,)
    assert sched_slice(np.empty((0, 3), np.uint64), 1024, 1).shape == (0, 3)


def test_a_single_value_gives_a_python_number():
    assert type(calc_delta(np.uint64(10), 1024, 335)) is int
    assert type(vruntime_before(1, 2)) is bool


def test_arrays_that_are_given_stay_as_they_are():
    given_words = np.array([0, 1, 2**64 - 1], np.uint64)
    given_words.flags.writeable = False
    assert vruntime_difference(given_words, 1).tolist() == [-1, 0, -2]


def test_words_beyond_2_to_the_63_may_stand_in_a_list():
    assert vruntime_difference([2**64 - 1, 1], [0, 2**63]).tolist() == [-1, 1 - 2**63]


# ---- Wrong arguments -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: load_from_nice(20), StateError, "nice = 20 is outside of -20 ... 19"),
        (lambda: load_from_nice([0, -21]), StateError, "nice = -21"),
        (lambda: load_from_nice(0, "fifo"), StateError, "'fifo' is none of normal, batch, idle"),
        (lambda: load_from_shares(-1), GroupError, "shares = -1"),
        (lambda: load_from_shares(2**64), GroupError, "outside of 0 ... 18446744073709551615"),
        (lambda: inverse_on_first_use(0), ValueError, "weight = 0 is outside of 1"),
        (lambda: calc_delta(-1, 1024, 1024), ValueError, "delta = -1"),
        (lambda: calc_delta([5, 2**64], 1024, 1024), ValueError, "delta = 18446744073709551616"),
        (lambda: calc_delta(1, 1024, 0), ValueError, "weight = 0 has no inverse"),
        (lambda: calc_delta_fair(1, [5, 0]), ValueError, "weight = 0 has no inverse"),
        (lambda: sched_period(1, sched_nr_latency=0), ValueError, "sched_nr_latency = 0 is outside of 1"),
        (lambda: sched_slice(1, 2**33, 1), StateError, "multiple of 2\\*\\*32"),
        (lambda: sched_vslice(0, 0), StateError, "divided by 0"),
        (lambda: vruntime_before([2**63, -1], 0), ValueError, "a = -1"),
    ],
)
def test_a_value_out_of_range_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("value", [1.0, "1", None, [1.5], np.array([1.0]), [None], True, np.array(["x"])])
def test_only_integers_are_accepted(value):
    with pytest.raises(TypeError, match="delta must be an integer or an array of integers"):
        calc_delta(value, 1024, 335)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="broadcast"):
        calc_delta([1, 2], [1, 2, 3], 335)
