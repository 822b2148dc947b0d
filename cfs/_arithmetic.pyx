"""The core's arithmetic over whole arrays: loops around the functions with which the scheduler charges.

What it decides: nothing, and it checks nothing. `cfs.arithmetic` is the public face; it checks and broadcasts. Every
function takes one-dimensional arrays of equal length (uint64 unless the signature says otherwise) and fills `out`.
The functions are those of _fixedpoint.pxd, _load.pxd and _slice.pxd, so there is only one arithmetic.

Rejected: numpy ufuncs (they need numpy's headers at build, and a loop over memoryviews is as fast).
"""

from ._fixedpoint cimport calc_delta_fair, calc_delta_mine, signed_difference
from ._load cimport SHARES_MIN, inverse_on_first_use, load_from_nice, load_from_shares
from ._slice cimport divide_period, divide_slice, divide_vslice
from ._types cimport int8_t, int64_t, load_weight, uint8_t, uint64_t


cdef inline load_weight load_of(uint64_t weight, uint64_t inv_weight) noexcept nogil:
    # an inverse of 0 means "not made yet" (spec 4.1 step 1)
    cdef load_weight load
    load.weight = weight
    load.inv_weight = inv_weight if inv_weight != 0 else inverse_on_first_use(weight)
    return load


def nice_loads(
    const int8_t[::1] nice, const uint8_t[::1] policy, uint64_t[::1] weight, uint64_t[::1] inv_weight
):
    """Weights and inverses of nice values and policies (0 normal, 1 batch, 2 idle)."""
    cdef load_weight load
    cdef Py_ssize_t i
    with nogil:
        for i in range(nice.shape[0]):
            load_from_nice(&load, nice[i], policy[i])
            weight[i] = load.weight
            inv_weight[i] = load.inv_weight


def shares_loads(const uint64_t[::1] shares, uint64_t[::1] weight, uint64_t[::1] inv_weight):
    """Weights and inverses of the entities of groups; shares below the least become the least."""
    cdef load_weight load
    cdef Py_ssize_t i
    with nogil:
        for i in range(shares.shape[0]):
            load_from_shares(&load, shares[i] if shares[i] > SHARES_MIN else SHARES_MIN)
            weight[i] = load.weight
            inv_weight[i] = load.inv_weight


def first_use_inverses(const uint64_t[::1] weight, uint64_t[::1] out):
    """Inverses of weights, as made at the first use. No weight is 0."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(weight.shape[0]):
            out[i] = inverse_on_first_use(weight[i])


def deltas(
    const uint64_t[::1] delta,
    const uint64_t[::1] n,
    const uint64_t[::1] weight,
    const uint64_t[::1] inv_weight,
    uint64_t[::1] out,
):
    """D(delta, n, load). Where inv_weight is 0, weight is not."""
    cdef load_weight load
    cdef Py_ssize_t i
    with nogil:
        for i in range(delta.shape[0]):
            load = load_of(weight[i], inv_weight[i])
            out[i] = calc_delta_mine(delta[i], n[i], &load)


def fair_deltas(
    const uint64_t[::1] delta, const uint64_t[::1] weight, const uint64_t[::1] inv_weight, uint64_t[::1] out
):
    """F(delta, load). Where inv_weight is 0, weight is not."""
    cdef load_weight load
    cdef Py_ssize_t i
    with nogil:
        for i in range(delta.shape[0]):
            load = load_of(weight[i], inv_weight[i])
            out[i] = calc_delta_fair(delta[i], &load)


def periods(
    const uint64_t[::1] nr_running,
    const uint64_t[::1] latency,
    const uint64_t[::1] nr_latency,
    uint64_t[::1] out,
):
    """Periods of queues. No nr_latency is 0."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(nr_running.shape[0]):
            out[i] = divide_period(latency[i], nr_latency[i], nr_running[i])


def slices(
    const uint64_t[::1] period, const uint64_t[::1] weight, const uint64_t[::1] load, uint64_t[::1] out
):
    """Slices of entities. No load is 0 modulo 2**32."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(period.shape[0]):
            out[i] = divide_slice(period[i], weight[i], load[i])


def vslices(const uint64_t[::1] period, const uint64_t[::1] load, uint64_t[::1] out):
    """Virtual slices of queues. No load is 0 modulo 2**32."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(period.shape[0]):
            out[i] = divide_vslice(period[i], load[i])


def differences(const uint64_t[::1] a, const uint64_t[::1] b, int64_t[::1] out):
    """a - b modulo 2**64, read as signed numbers."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(a.shape[0]):
            out[i] = signed_difference(a[i], b[i])
