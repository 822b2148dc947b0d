"""The border of the scheduler: values from Python are checked, fields of C structs become Python values.

What it decides: which numbers and names are taken, and what the refusal says. It knows no machine: a check is
a function of the value and of the range that the caller states. Whatever needs the state of a machine is
checked in `_machine`, `_handles` and `_scheduler`.

The time is in every event, so its fast way is inline in `_border.pxd`: it takes an exact int within range,
and leaves everything else (a numpy integer, a wrong value) to `checked_time`.

Invariant:
    I1  any object with `__index__` counts as an integer; no float and no string does
"""

import operator

from cpython.long cimport PyLong_AsUnsignedLongLong
from libc.string cimport strcmp

from .._load cimport NICE_MAX, NICE_MIN
from .._types cimport FIELD_S64, FIELD_U32, FIELD_U64, int64_t

from ..errors import GroupError, ModelError, StateError, TimeError
from ..limits import POLICIES, U64_MAX

UID_MAX = 2**32 - 1             # what a uid_t holds
SLEEPS = ("interruptible", "uninterruptible", "noninteractive")
STATES = ("new", "runnable", "blocked", "dead")

# ------------------------------------------------------------------------------------------------ from Python


cdef object integer_in(value, str what, least, greatest, error):
    # `value` as an int of this range, or `error`
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} must be an integer, not {value!r}") from None
    if not least <= number <= greatest:
        raise error(f"{what} = {number} is outside of {least} ... {greatest}")
    return number


cdef int8_t checked_nice(value) except? -100:
    return integer_in(value, "nice", NICE_MIN, NICE_MAX, StateError)


cdef uint8_t checked_policy(value) except? 255:
    if value not in POLICIES:
        raise StateError(f"policy = {value!r} is none of {', '.join(POLICIES)}")
    return POLICIES.index(value)


cdef uint8_t checked_sleep(value) except? 255:
    if value not in SLEEPS:
        raise StateError(f"sleep = {value!r} is none of {', '.join(SLEEPS)}")
    return SLEEPS.index(value)


cdef int checked_name(value) except -1:
    # of a task; None: it gets one
    if value is not None and not isinstance(value, str):
        raise TypeError(f"name must be a string, not {value!r}")
    return 0


cdef uint32_t checked_uid(value) except? 0:
    return integer_in(value, "uid", 0, UID_MAX, GroupError)


cdef uint64_t checked_shares(value) except? 0:
    return integer_in(value, "shares", 0, U64_MAX, GroupError)


cdef ns_t checked_time(now_ns, ns_t last) except? 1:
    cdef ns_t now
    try:
        now = PyLong_AsUnsignedLongLong(now_ns if PyLong_CheckExact(now_ns) else operator.index(now_ns))
    except OverflowError:
        raise TimeError(f"now_ns = {now_ns} is outside of 0 ... 2**64 - 1 ns") from None
    except TypeError:
        raise TypeError(f"now_ns must be an integer number of ns, not {now_ns!r}") from None
    if now < last:
        raise TimeError(f"now_ns = {now} lies before the last event at {last} ns")
    return now

# -------------------------------------------------------------------------------------------------- to Python


cdef object read_field(const field *f, const void *base):
    cdef const char *at = <const char *>base + f.offset
    cdef uint64_t derived
    if f.value != NULL:
        derived = f.value(base)
        return <int64_t>derived if f.kind == FIELD_S64 else derived
    if f.kind == FIELD_U64:
        return (<const uint64_t *>at)[0]
    if f.kind == FIELD_S64:
        return (<const int64_t *>at)[0]
    if f.kind == FIELD_U32:
        return (<const uint32_t *>at)[0]
    return (<const uint8_t *>at)[0]


cdef dict read_fields(const field *f, const void *base):
    values = {}
    while f.name != NULL:
        values[f.name.decode()] = read_field(f, base)
        f += 1
    return values


cdef object field_named(const field *f, const void *base, const char *name, model):
    while f.name != NULL:
        if strcmp(f.name, name) == 0:
            return read_field(f, base)
        f += 1
    raise ModelError(f"{model.id} has no {name.decode()}")
