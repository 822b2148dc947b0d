"""Passes over the operations of a workload: which of them cannot run, and what they name.

What it decides: nothing about operations; `ops.py` says what each kind takes. Here the table that follows from it is held
against each operation, a pass a question, so that a workload of millions of operations is checked in some milliseconds and
without memory of its own.

Invariant:
    I1  a pass reads each operation once, in order: the first one that is wrong is the one that is reported
"""

from libc.stdint cimport int32_t, int64_t, uint8_t

import numpy as np

from ..engine._program cimport op


def kinds_counted(const op[::1] ops, Py_ssize_t nr_kinds):
    """How many operations there are of each kind.

    Parameters
    ----------
    ops : numpy.ndarray
        ``(nr_ops,)`` of `OP_DTYPE`.
    nr_kinds : int

    Returns
    -------
    numpy.ndarray
        ``(nr_kinds + 1,)`` int64; the last is of those that are none of these kinds.
    """
    found = np.zeros(nr_kinds + 1, np.int64)
    cdef int64_t[::1] counts = found
    cdef Py_ssize_t i
    with nogil:
        for i in range(ops.shape[0]):
            counts[ops[i].kind if 0 <= ops[i].kind < nr_kinds else nr_kinds] += 1
    return found


def first_unknown(const op[::1] ops, const uint8_t[::1] known):
    """Index of the first operation whose kind does not have a 1 in `known`, -1 if there is none (I1)."""
    cdef Py_ssize_t i
    for i in range(ops.shape[0]):
        if not 0 <= ops[i].kind < known.shape[0] or not known[ops[i].kind]:
            return i
    return -1


def first_outside(
    const op[::1] ops,
    const uint8_t[::1] concerned,
    const int64_t[::1] least,
    const int64_t[::1] greatest,
    bint is_target,
):
    """Index of the first operation whose argument is outside of what its kind allows; -1: there is none (I1).

    Parameters
    ----------
    ops : numpy.ndarray
        Whose kinds are known.
    concerned, least, greatest : numpy.ndarray
        ``(nr_kinds,)`` uint8 and twice int64: whether a kind is looked at, and its limits.
    is_target : bool
        Is it the field `target` that is looked at? Else it is `arg`.
    """
    cdef Py_ssize_t i, found = -1
    cdef int64_t value
    cdef int32_t kind
    with nogil:
        for i in range(ops.shape[0]):
            kind = ops[i].kind
            if concerned[kind]:
                value = ops[i].target if is_target else ops[i].arg
                if not least[kind] <= value <= greatest[kind]:
                    found = i
                    break
    return found


def times_named(const op[::1] ops, int32_t kind, Py_ssize_t nr_tasks):
    """How often the operations of a kind name each task: ``(nr_tasks,)`` int64. All that they name are tasks."""
    found = np.zeros(nr_tasks, np.int64)
    cdef int64_t[::1] times = found
    cdef Py_ssize_t i
    with nogil:
        for i in range(ops.shape[0]):
            if ops[i].kind == kind:
                times[ops[i].target] += 1
    return found
