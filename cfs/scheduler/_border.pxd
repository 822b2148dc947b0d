# Values on their way from Python into the machine, and back. `_border.pyx` says what is refused.

from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact

from .._types cimport field, int8_t, ns_t, uint8_t, uint32_t, uint64_t

# ------------------------------------------------------------------------------------------------ from Python

cdef object integer_in(value, str what, least, greatest, error)
cdef int8_t checked_nice(value) except? -100
cdef uint8_t checked_policy(value) except? 255
cdef uint8_t checked_sleep(value) except? 255
cdef int checked_name(value) except -1
cdef uint32_t checked_uid(value) except? 0
cdef uint64_t checked_shares(value) except? 0
cdef ns_t checked_time(now_ns, ns_t last) except? 1


cdef inline ns_t time_from(now_ns, ns_t last) except? 1:
    # the time of an event, not before `last`; the way without `try` first, it saves a tenth of a call
    cdef int overflow = 0
    cdef long long number = -1
    if PyLong_CheckExact(now_ns):
        number = PyLong_AsLongLongAndOverflow(now_ns, &overflow)
    if number >= 0 and <ns_t>number >= last:
        return <ns_t>number
    return checked_time(now_ns, last)

# -------------------------------------------------------------------------------------------------- to Python

cdef object read_field(const field *f, const void *base)
cdef dict read_fields(const field *f, const void *base)
cdef object field_named(const field *f, const void *base, const char *name, model)
