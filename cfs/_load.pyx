"""From nice values, policies and shares to weights, and from weights to inverse weights.

What it decides: the weight of every queued entity. Source: see _load.pxd.
The two divisions of this file happen when a weight is *written*, never when it is used.
docs/concepts/linux-2.6.24-cfs.md lists them among the remaining divisions.

Invariant:
    I1  a load_weight that leaves this file has inv_weight != 0, so that the charge needs no test and no
        division
"""

from ._fixedpoint cimport WMULT_CONST
from ._types cimport SCHED_IDLE, int8_t, load_weight, uint8_t, uint64_t
from ._load cimport NICE_MIN, WEIGHT_IDLEPRIO

cdef extern from *:
    """
    /* index 0 is nice -20; five levels a row, nice 0 begins the fifth row */
    static const unsigned long long cfs_prio_to_weight[40] = {
        88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
         9548,  7620,  6100,  4904,  3906,  3121,  2501,  1991,  1586,  1277,
         1024,   820,   655,   526,   423,   335,   272,   215,   172,   137,
          110,    87,    70,    56,    45,    36,    29,    23,    18,    15,
    };
    /* 2**32 / weight, rounded to nearest */
    static const unsigned long long cfs_prio_to_wmult[40] = {
            48388,     59856,     76040,     92818,    118348,
           147320,    184698,    229616,    287308,    360437,
           449829,    563644,    704093,    875809,   1099582,
          1376151,   1717300,   2157191,   2708050,   3363326,
          4194304,   5237765,   6557202,   8165337,  10153587,
         12820798,  15790321,  19976592,  24970740,  31350126,
         39045157,  49367440,  61356676,  76695844,  95443717,
        119304647, 148102320, 186737708, 238609294, 286331153,
    };
    /* meant as 2**31, but a signed 32-bit constant: on a 64-bit word it is sign-extended (spec 3, 7.9) */
    #define CFS_WMULT_IDLEPRIO 0xffffffff80000000ULL
    """
    const uint64_t prio_to_weight "cfs_prio_to_weight"[40]
    const uint64_t prio_to_wmult "cfs_prio_to_wmult"[40]
    const uint64_t WMULT_IDLEPRIO "CFS_WMULT_IDLEPRIO"


cdef void load_from_nice(load_weight *load, int8_t nice, uint8_t policy) noexcept nogil:
    # the table's entry, or the weight of policy idle whatever the nice value is
    if policy == SCHED_IDLE:
        load.weight = WEIGHT_IDLEPRIO
        load.inv_weight = WMULT_IDLEPRIO
    else:
        load.weight = prio_to_weight[nice - NICE_MIN]
        load.inv_weight = prio_to_wmult[nice - NICE_MIN]


cdef uint64_t inverse_on_first_use(uint64_t weight) noexcept nogil:
    # floor((2**32 - floor(w / 2)) / w) + 1, the dividend mod 2**64
    return (WMULT_CONST - weight // 2) // weight + 1


cdef void load_from_shares(load_weight *load, uint64_t shares) noexcept nogil:
    # floor(2**32 / shares). Above 2**32 that is 0, which the kernel takes for "compute on first use" and then
    # keeps; the value depends on the weight alone, so it is made here, out of the charge.
    load.weight = shares
    load.inv_weight = WMULT_CONST // shares
    if load.inv_weight == 0:
        load.inv_weight = inverse_on_first_use(shares)
