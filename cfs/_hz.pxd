# When ticks are due. Leaf functions, inline, whole numbers only.
#
#   due(k)  = floor(k * 10**9 / hz)                 ns since the start, of tick k = 1, 2, ...           tick_time
#   last(t) = floor(((t + 1) * hz - 1) / 10**9)     the greatest k with due(k) <= t                     ticks_until
#
# because due(k) <= t  <=>  k * 10**9 / hz < t + 1  <=>  k * 10**9 <= (t + 1) * hz - 1. So last(t) is also the number
# of ticks up to t, t included, and the first one after t is last(t) + 1.
#
# Code that ticks keeps the number of the next tick, never a time to which it adds a period. The period of most hz is
# not a whole number of ns, and the errors of the additions would add up. This way the error of a tick stays below 1
# ns forever, and the last tick of a second is due at the second.
#
# Seconds and the rest of a second are separate, so no product overflows: exact for every time below 2**64 ns and 1 <=
# hz <= 10**6. Tests compare these with `cfs/simulation/stepping.py`, which computes the same in Python's long
# integers.

from ._types cimport ns_t, uint64_t

cdef enum:
    NSEC_PER_SEC = 1000000000

cdef extern from *:
    """
    #define CFS_NEVER 0xffffffffffffffffULL     /* too large for an enum of every compiler */
    """
    const ns_t NEVER "CFS_NEVER"            # a time that does not come


cdef inline ns_t tick_time(uint64_t hz, uint64_t number) noexcept nogil:
    return number // hz * NSEC_PER_SEC + number % hz * NSEC_PER_SEC // hz


cdef inline uint64_t ticks_until(uint64_t hz, ns_t time) noexcept nogil:
    return time // NSEC_PER_SEC * hz + ((time % NSEC_PER_SEC + 1) * hz - 1) // NSEC_PER_SEC


cdef inline uint64_t first_tick_after(uint64_t hz, ns_t time) noexcept nogil:
    return ticks_until(hz, time) + 1
