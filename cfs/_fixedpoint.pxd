# The arithmetic of virtual time. Leaf functions, inline, no division and no floating point.
#
# Source: Linux 2.6.24, kernel/sched.c calc_delta_mine; specification 4.1 to 4.4.
#
#   D(d, n, L) = d * n / L.weight, as a product with L.inv_weight = 2**32 / L.weight, rounded to nearest:
#       t = d * n mod 2**64
#       narrow, t <= 2**32:   R32(t * inv)             wide:   R16(R16(t) * inv)
#       Rk(x) = (x + 2**(k-1) mod 2**64) >> k
#   The two branches do not agree to the last bit, so charges must not be merged (spec 7.10).
#
# Virtual times wrap: `a` is before `b` if the signed difference a - b is negative. The few comparisons that the
# kernel makes on the plain numbers are marked [raw].

from ._types cimport int64_t, load_weight, ns_t, uint64_t, vns_t

cdef enum:
    NICE_0_LOAD = 1024
    NICE_0_SHIFT = 10
    WMULT_SHIFT = 32

cdef extern from *:
    """
    #define CFS_WMULT_CONST (1ULL << 32)
    #define CFS_DELTA_MAX 0x7fffffffffffffffULL
    """
    const uint64_t WMULT_CONST "CFS_WMULT_CONST"
    const uint64_t DELTA_MAX "CFS_DELTA_MAX"


cdef inline int64_t signed_difference(vns_t a, vns_t b) noexcept nogil:
    return <int64_t>(a - b)


cdef inline vns_t max_vruntime(vns_t a, vns_t b) noexcept nogil:
    # the later of the two
    return b if <int64_t>(b - a) > 0 else a


cdef inline vns_t min_vruntime(vns_t a, vns_t b) noexcept nogil:
    # the earlier of the two
    return b if <int64_t>(b - a) < 0 else a


cdef inline uint64_t shift_right_rounded(uint64_t x, int k) noexcept nogil:
    return (x + (<uint64_t>1 << (k - 1))) >> k


cdef inline uint64_t calc_delta_mine(uint64_t delta, uint64_t n, const load_weight *load) noexcept nogil:
    # D(delta, n, load). Trusts load.inv_weight != 0: code that sets a weight sets its inverse (_load.pxd). Both
    # branches and a mask: run lengths lie on both sides of the threshold (4.2 ms at nice 0), so a jump would be
    # mispredicted every other time, 2 to 3 ns a switch.
    cdef uint64_t t = delta * n
    cdef uint64_t wide = shift_right_rounded(shift_right_rounded(t, 16) * load.inv_weight, 16)
    cdef uint64_t narrow = shift_right_rounded(t * load.inv_weight, 32)
    cdef uint64_t mask = -<uint64_t>(t > WMULT_CONST)
    t = narrow ^ ((narrow ^ wide) & mask)
    return t if t < DELTA_MAX else DELTA_MAX


cdef inline vns_t calc_delta_fair(ns_t delta, const load_weight *load) noexcept nogil:
    # F(delta) = virtual time that an entity of this load gains in `delta` ns of real time
    if load.weight == NICE_0_LOAD:
        return delta
    return calc_delta_mine(delta, NICE_0_LOAD, load)
