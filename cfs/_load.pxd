# From nice values, policies and shares to weights, and from weights to inverse weights.
#
# Source: Linux 2.6.24, kernel/sched.c prio_to_weight, prio_to_wmult, set_load_weight; specification 3 and
# 4.1. One nice level is a factor of about 1.25, so that two hogs one level apart share 55 : 45 at every
# level.

from ._types cimport int8_t, load_weight, uint8_t, uint64_t

cdef enum:
    NICE_MIN = -20
    NICE_MAX = 19
    NICE_LEVELS = 40
    WEIGHT_IDLEPRIO = 2
    SHARES_MIN = 2
    SHARES_DEFAULT = 1024

cdef void load_from_nice(load_weight *load, int8_t nice, uint8_t policy) noexcept nogil
cdef void load_from_shares(load_weight *load, uint64_t shares) noexcept nogil
cdef uint64_t inverse_on_first_use(uint64_t weight) noexcept nogil
