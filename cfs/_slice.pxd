# From weights to time: the period of a queue, and an entity's part of it. The divisions are here.
#
# Source: Linux 2.6.24, kernel/sched_fair.c __sched_period, sched_slice, __sched_vslice; specification 4.3.
#
#   period(nr) = latency                          nr <= nr_latency
#                floor(latency * nr / nr_latency) otherwise
#   slice      = floor(period * w    / lo32(W))   real ns
#   vslice     = floor(period * 1024 / lo32(W))   virtual ns
#
# AS SPECIFIED: the divisor W is cut to 32 bits, as the kernel's 64-by-32 division does; shares that add up to
# a multiple of 2**32 make it 0, where the kernel faults. The caller has checked `cut_load(W) != 0` before.

from ._fixedpoint cimport NICE_0_SHIFT
from ._types cimport ns_t, uint32_t, uint64_t, vns_t


cdef inline uint32_t cut_load(uint64_t load) noexcept nogil:
    return <uint32_t>load


cdef inline ns_t divide_period(ns_t latency, uint64_t nr_latency, uint64_t nr) noexcept nogil:
    if nr <= nr_latency:
        return latency
    return latency * nr // nr_latency


cdef inline ns_t divide_slice(ns_t period, uint64_t weight, uint64_t load) noexcept nogil:
    return period * weight // cut_load(load)


cdef inline vns_t divide_vslice(ns_t period, uint64_t load) noexcept nogil:
    return (period << NICE_0_SHIFT) // cut_load(load)
