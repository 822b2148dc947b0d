"""The fixed-point arithmetic of CFS, callable from Python: for one value, or for whole arrays.

Everything here calls the compiled functions of the scheduler itself, so your figure, table or test agrees
with the core to the last bit. Words are unsigned 64-bit and wrap. Arguments are integers or arrays of
integers, broadcast against each other. A result is an int if all arguments are single values, otherwise an
array.

Units: real time in ns, virtual time in virtual ns (ns of a task of weight 1024), weights without unit,
1024 at nice 0. Source: Linux 2.6.24, kernel/sched.c and kernel/sched_fair.c; specification 3 and 4.
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _arithmetic
from .errors import GroupError, StateError
from .limits import NICE_MAX, NICE_MIN, POLICIES, U64_MAX

__all__ = [
    "LoadWeight",
    "load_from_nice",
    "load_from_shares",
    "inverse_on_first_use",
    "calc_delta",
    "calc_delta_fair",
    "sched_period",
    "sched_slice",
    "sched_vslice",
    "vruntime_before",
    "vruntime_difference",
]


class LoadWeight(NamedTuple):
    """A weight and its inverse, about 2**32 / weight; single values or arrays of one shape."""

    weight: Any
    inv_weight: Any


# ---- Arguments and results -----------------------------------------------------------------------


def _integers(
    name: str, value: ArrayLike, least: int, greatest: int, error: type[Exception] = ValueError
) -> NDArray:
    """`value` as an array of integers that lie in the range."""
    numbers = np.asarray(value)
    if numbers.dtype == object or (
        numbers.dtype.kind == "f" and not isinstance(value, (float, np.ndarray, np.floating))
    ):
        numbers = _python_integers(name, value)
    elif numbers.size == 0:
        return numbers.astype(np.int64)
    if numbers.dtype.kind not in "iuO":
        raise TypeError(f"{name} must be an integer or an array of integers, not {_shown(value)}")
    low, high = (int(numbers.min()), int(numbers.max())) if numbers.size else (least, greatest)
    if low < least or high > greatest:
        raise error(f"{name} = {low if low < least else high} is outside of {least} ... {greatest}")
    return numbers


def _python_integers(name: str, value: ArrayLike) -> NDArray:
    """Numbers that have no common integer type of numpy, such as -1 beside 2**63, as Python integers."""
    numbers = np.array(value, dtype=object)
    try:
        exact = [operator.index(number) for number in numbers.ravel().tolist()]
    except TypeError:
        raise TypeError(f"{name} must be an integer or an array of integers, not {_shown(value)}") from None
    flat = np.empty(len(exact), dtype=object)
    flat[:] = exact
    return flat.reshape(numbers.shape)


def _shown(value: Any) -> str:
    return f"an array of {value.dtype}" if isinstance(value, np.ndarray) else repr(value)


def _words(name: str, value: ArrayLike, least: int = 0) -> NDArray[np.uint64]:
    """`value` as an array of unsigned 64-bit words."""
    return _integers(name, value, least, U64_MAX).astype(np.uint64)


def _flat(*arrays: NDArray) -> tuple[tuple[int, ...], list[NDArray]]:
    """The common shape, and each array broadcast to it and laid out in one dimension."""
    same = np.broadcast_arrays(*arrays)
    return same[0].shape, [np.ascontiguousarray(array).reshape(-1) for array in same]


def _result(flat: NDArray, shape: tuple[int, ...]) -> Any:
    """A Python number for single values, otherwise the array in its shape."""
    return flat[0].item() if shape == () else flat.reshape(shape)


def _with_loop(loop: Any, *arrays: NDArray, dtype: Any = np.uint64) -> Any:
    """Run a compiled loop over the broadcast arrays."""
    shape, flat = _flat(*arrays)
    out = np.empty(flat[0].shape, dtype)
    loop(*flat, out)
    return _result(out, shape)


def _usable_inverse(weight: NDArray[np.uint64], inv_weight: NDArray[np.uint64]) -> None:
    if np.any((weight == 0) & (inv_weight == 0)):
        raise ValueError("weight = 0 has no inverse: give inv_weight, or a weight of 1 ... 2**64 - 1")


def _divisor(queue_weight: ArrayLike) -> NDArray[np.uint64]:
    words = _words("queue_weight", queue_weight)
    if np.any(words & np.uint64(0xFFFFFFFF) == 0):
        raise StateError(
            "queue_weight is a multiple of 2**32: the slice would be divided by 0, and the kernel faults"
        )
    return words


# ---- Weights -------------------------------------------------------------------------------------


def load_from_nice(nice: ArrayLike, policy: ArrayLike = "normal") -> LoadWeight:
    """Weight and inverse of tasks.

    Parameters
    ----------
    nice : int or array of int
        -20 ... 19. One level is a factor of about 1.25.
    policy : str or array of str, optional
        "normal", "batch" or "idle"; "idle" weighs 2 whatever the nice value is.

    Returns
    -------
    LoadWeight
        ``(weight, inv_weight)``: ints, or arrays of the broadcast shape, uint64.

    Raises
    ------
    StateError
        A nice value is out of range, or there is no such policy.

    Notes
    -----
    Table look-up, O(1) each. Model: Linux 2.6.24, set_load_weight (specification 3). The inverse of policy
    idle is 2**64 - 2**31: 2**31 was meant, but the signed constant is sign-extended on a 64-bit word.

    Examples
    --------
    >>> from cfs.arithmetic import load_from_nice
    >>> load_from_nice(5)
    LoadWeight(weight=335, inv_weight=12820798)
    >>> load_from_nice([-20, 0, 19]).weight.tolist()
    [88761, 1024, 15]
    """
    values = _integers("nice", nice, NICE_MIN, NICE_MAX, StateError).astype(np.int8)
    shape, (flat_nice, flat_policy) = _flat(values, _policy_codes(policy))
    weight, inv_weight = np.empty((2, flat_nice.size), np.uint64)
    _arithmetic.nice_loads(flat_nice, flat_policy, weight, inv_weight)
    return LoadWeight(_result(weight, shape), _result(inv_weight, shape))


def _policy_codes(policy: ArrayLike) -> NDArray[np.uint8]:
    names = np.asarray(policy)
    codes = np.full(names.shape, 255, np.uint8)
    for code, name in enumerate(POLICIES):
        codes[names == name] = code
    if np.any(codes == 255):
        raise StateError(f"policy = {policy!r} is none of {', '.join(POLICIES)}")
    return codes


def load_from_shares(shares: ArrayLike) -> LoadWeight:
    """Weight and inverse of the entities of a group.

    Parameters
    ----------
    shares : int or array of int
        0 ... 2**64 - 1; less than 2 becomes 2, as when shares are written.

    Returns
    -------
    LoadWeight
        ``(weight, inv_weight)``: ints, or arrays of the same shape, uint64.

    Raises
    ------
    GroupError
        Shares outside their range.

    Notes
    -----
    inv_weight = floor(2**32 / shares): one division each. Above 2**32 that is 0. The kernel replaces it at
    the first use by `inverse_on_first_use`, this function at once.
    Model: Linux 2.6.24, sched_group_set_shares (specification 5.16, 4.1).

    Examples
    --------
    >>> from cfs.arithmetic import load_from_shares
    >>> load_from_shares(2048)
    LoadWeight(weight=2048, inv_weight=2097152)
    """
    shape, (flat,) = _flat(_integers("shares", shares, 0, U64_MAX, GroupError).astype(np.uint64))
    weight, inv_weight = np.empty((2, flat.size), np.uint64)
    _arithmetic.shares_loads(flat, weight, inv_weight)
    return LoadWeight(_result(weight, shape), _result(inv_weight, shape))


def inverse_on_first_use(weight: ArrayLike) -> Any:
    """The inverse that a load without one gets when it is first used.

    Parameters
    ----------
    weight : int or array of int
        1 ... 2**64 - 1.

    Returns
    -------
    int or array
        uint64, of the same shape.

    Raises
    ------
    ValueError
        A weight outside its range.

    Notes
    -----
    floor((2**32 - floor(weight / 2)) mod 2**64 / weight) + 1: one division each.
    Model: Linux 2.6.24, calc_delta_mine (specification 4.1, step 1).

    Examples
    --------
    >>> from cfs.arithmetic import inverse_on_first_use
    >>> inverse_on_first_use(1024)
    4194304
    """
    return _with_loop(_arithmetic.first_use_inverses, _words("weight", weight, least=1))


# ---- Weighted deltas -----------------------------------------------------------------------------


def calc_delta(delta: ArrayLike, n: ArrayLike, weight: ArrayLike, inv_weight: ArrayLike = 0) -> Any:
    """D(delta, n, load) = delta * n / weight, computed without a division, as in the kernel.

    Parameters
    ----------
    delta : int or array of int
        ns, or any quantity, 0 ... 2**64 - 1.
    n : int or array of int
        Factor: a weight.
    weight : int or array of int
        Weight of the load.
    inv_weight : int or array of int, optional
        Its inverse. 0: made at once, as by `inverse_on_first_use`.

    Returns
    -------
    int or array
        Of the broadcast shape, uint64, in the unit of `delta`; at most 2**63 - 1.

    Raises
    ------
    ValueError
        A value outside of 0 ... 2**64 - 1, or weight and inv_weight both 0.

    Notes
    -----
    With t = delta * n and Rk(x) = (x + 2**(k-1)) >> k, all modulo 2**64::

        t <= 2**32:  R32(t * inv_weight)          else:  R16(R16(t) * inv_weight)

    The branches differ in the last bit: the D of a sum is not the sum of the D's. One or two
    multiplications each. Model: Linux 2.6.24, calc_delta_mine (specification 4.1).

    Examples
    --------
    >>> from cfs.arithmetic import calc_delta, load_from_nice
    >>> calc_delta(4_000_000, 1024, *load_from_nice(5))
    12226866
    >>> calc_delta([4_194_304, 5_000_000], 1024, *load_from_nice(5)).tolist()
    [12820798, 15283582]
    """
    words, inverses = _words("weight", weight), _words("inv_weight", inv_weight)
    _usable_inverse(words, inverses)
    return _with_loop(_arithmetic.deltas, _words("delta", delta), _words("n", n), words, inverses)


def calc_delta_fair(delta: ArrayLike, weight: ArrayLike, inv_weight: ArrayLike = 0) -> Any:
    """F(delta, load): the virtual time that an entity of this load gains in `delta` ns.

    Parameters
    ----------
    delta : int or array of int
        ns, 0 ... 2**64 - 1.
    weight : int or array of int
    inv_weight : int or array of int, optional
        0: made at once, as by `inverse_on_first_use`.

    Returns
    -------
    int or array
        Of the broadcast shape, uint64, virtual ns.

    Raises
    ------
    ValueError
        A value outside of 0 ... 2**64 - 1, or weight and inv_weight both 0.

    Notes
    -----
    F = delta at weight 1024, without any arithmetic; otherwise D(delta, 1024, load).
    Model: Linux 2.6.24, update_curr (specification 4.2).

    Examples
    --------
    >>> from cfs.arithmetic import calc_delta_fair, load_from_nice
    >>> calc_delta_fair(10_000_000, *load_from_nice(-5))
    3281000
    >>> calc_delta_fair(10_000_000, 1024)
    10000000
    """
    words, inverses = _words("weight", weight), _words("inv_weight", inv_weight)
    _usable_inverse(words, inverses)
    return _with_loop(_arithmetic.fair_deltas, _words("delta", delta), words, inverses)


# ---- Periods and slices --------------------------------------------------------------------------


def sched_period(
    nr_running: ArrayLike, *, sched_latency_ns: ArrayLike = 20_000_000, sched_nr_latency: ArrayLike = 5
) -> Any:
    """The time in which each entity of a queue should run once.

    Parameters
    ----------
    nr_running : int or array of int
        Entities of the queue, the running one included.
    sched_latency_ns, sched_nr_latency : int or array of int, optional
        The tunables of these names; `sched_nr_latency` is at least 1.

    Returns
    -------
    int or array
        Of the broadcast shape, uint64, ns.

    Raises
    ------
    ValueError
        A value outside of its range.

    Notes
    -----
    The latency up to nr_latency entities, floor(latency * nr / nr_latency) beyond: one division.
    Model: Linux 2.6.24, __sched_period (specification 4.3).

    Examples
    --------
    >>> from cfs.arithmetic import sched_period
    >>> sched_period([1, 5, 6]).tolist()
    [20000000, 20000000, 24000000]
    """
    return _with_loop(
        _arithmetic.periods,
        _words("nr_running", nr_running),
        _words("sched_latency_ns", sched_latency_ns),
        _words("sched_nr_latency", sched_nr_latency, least=1),
    )


def sched_slice(
    weight: ArrayLike,
    queue_weight: ArrayLike,
    nr_running: ArrayLike,
    *,
    sched_latency_ns: ArrayLike = 20_000_000,
    sched_nr_latency: ArrayLike = 5,
) -> Any:
    """An entity's part of the period: how long its turn may last.

    Parameters
    ----------
    weight : int or array of int
        Weight of the entity.
    queue_weight : int or array of int
        Sum of the weights of the queue, the entity included; only its low 32 bits count, which must not be 0.
    nr_running : int or array of int
        Entities of the queue.
    sched_latency_ns, sched_nr_latency : int or array of int, optional
        The tunables of these names.

    Returns
    -------
    int or array
        Of the broadcast shape, uint64, ns.

    Raises
    ------
    StateError
        `queue_weight` is a multiple of 2**32, where the kernel divides by 0.
    ValueError
        A value outside of its range.

    Notes
    -----
    floor(period * weight mod 2**64 / queue_weight mod 2**32): one or two divisions.
    Model: Linux 2.6.24, sched_slice (specification 4.3).

    Examples
    --------
    >>> from cfs.arithmetic import sched_slice
    >>> sched_slice(335, 1359, 2)
    4930095
    """
    period = sched_period(nr_running, sched_latency_ns=sched_latency_ns, sched_nr_latency=sched_nr_latency)
    return _with_loop(
        _arithmetic.slices, _words("period", period), _words("weight", weight), _divisor(queue_weight)
    )


def sched_vslice(
    queue_weight: ArrayLike,
    nr_running: ArrayLike,
    *,
    sched_latency_ns: ArrayLike = 20_000_000,
    sched_nr_latency: ArrayLike = 5,
) -> Any:
    """The slice in virtual time, the same for all entities of a queue: how far above the floor a task starts.

    Parameters
    ----------
    queue_weight : int or array of int
        Sum of the weights of the queue, a newcomer's included; only its low 32 bits count, which must not
        be 0.
    nr_running : int or array of int
        Entities of the queue, a newcomer included.
    sched_latency_ns, sched_nr_latency : int or array of int, optional
        The tunables of these names.

    Returns
    -------
    int or array
        Of the broadcast shape, uint64, virtual ns.

    Raises
    ------
    StateError
        `queue_weight` is a multiple of 2**32, where the kernel divides by 0.
    ValueError
        A value outside of its range.

    Notes
    -----
    floor(period * 1024 / queue_weight mod 2**32): one or two divisions.
    Model: Linux 2.6.24, __sched_vslice (specification 4.3).

    Examples
    --------
    >>> from cfs.arithmetic import sched_vslice
    >>> sched_vslice(1024 + 335, 2)
    15069904
    """
    period = sched_period(nr_running, sched_latency_ns=sched_latency_ns, sched_nr_latency=sched_nr_latency)
    return _with_loop(_arithmetic.vslices, _words("period", period), _divisor(queue_weight))


# ---- Comparing virtual times ---------------------------------------------------------------------


def vruntime_difference(a: ArrayLike, b: ArrayLike) -> Any:
    """a - b of two virtual times that wrap: negative if `a` is the earlier one.

    Parameters
    ----------
    a, b : int or array of int
        Virtual ns modulo 2**64.

    Returns
    -------
    int or array
        Of the broadcast shape, int64, virtual ns.

    Raises
    ------
    ValueError
        A value outside of 0 ... 2**64 - 1.

    Notes
    -----
    Right as long as the two are less than 2**63 apart. Model: specification 4.4.

    Examples
    --------
    >>> from cfs.arithmetic import vruntime_difference
    >>> vruntime_difference(5, 2**64 - 1_048_576)
    1048581
    """
    return _with_loop(_arithmetic.differences, _words("a", a), _words("b", b), dtype=np.int64)


def vruntime_before(a: ArrayLike, b: ArrayLike) -> Any:
    """Is virtual time `a` earlier than `b`? Safe across the wrap at 2**64.

    Parameters
    ----------
    a, b : int or array of int
        Virtual ns modulo 2**64.

    Returns
    -------
    bool or array
        Of the broadcast shape, bool.

    Raises
    ------
    ValueError
        A value outside of 0 ... 2**64 - 1.

    Examples
    --------
    >>> from cfs.arithmetic import vruntime_before
    >>> vruntime_before(2**64 - 1_048_576, 5)
    True
    """
    return vruntime_difference(a, b) < 0
