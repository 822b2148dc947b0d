"""Where in a record each part of a fact stands. See `_plan.pyx`."""

from cython cimport final
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from ._sink cimport Sink, fact_t

cdef extern from *:
    """
    #if defined(_MSC_VER)
    #include <stdlib.h>
    #define cfs_swap16 _byteswap_ushort
    #define cfs_swap32 _byteswap_ulong
    #define cfs_swap64 _byteswap_uint64
    #else
    #define cfs_swap16 __builtin_bswap16
    #define cfs_swap32 __builtin_bswap32
    #define cfs_swap64 __builtin_bswap64
    #endif
    """
    uint16_t swap16 "cfs_swap16"(uint16_t) noexcept nogil
    uint32_t swap32 "cfs_swap32"(uint32_t) noexcept nogil
    uint64_t swap64 "cfs_swap64"(uint64_t) noexcept nogil

ctypedef const unsigned char* bytes_t

cdef enum:  # how a field is kept
    ABSENT = 0
    INTEGER = 1
    TEXT = 2  # a char array
    DATA_LOC = 3  # a place from the start of the record, and a length
    REL_LOC = 4  # a place from the end of the field, and a length

cdef struct field_t:
    uint16_t at
    uint16_t size
    uint8_t how
    bint is_signed

cdef struct plan_t:
    uint8_t kind
    uint16_t size  # what a record must have at least
    field_t tid, flags
    field_t pid, prio, name
    field_t other, other_prio, other_name
    field_t value, success

cdef struct states_t:  # bits of prev_state
    uint64_t mask, preempted, dead, uninterruptible, idle


cdef inline bint is_big_host() noexcept nogil:
    cdef uint16_t one = 1
    return (<bytes_t> &one)[0] == 0


cdef inline uint16_t u16(bytes_t p, bint is_swapped) noexcept nogil:
    cdef uint16_t x
    memcpy(&x, p, 2)
    return swap16(x) if is_swapped else x


cdef inline uint32_t u32(bytes_t p, bint is_swapped) noexcept nogil:
    cdef uint32_t x
    memcpy(&x, p, 4)
    return swap32(x) if is_swapped else x


cdef inline uint64_t u64(bytes_t p, bint is_swapped) noexcept nogil:
    cdef uint64_t x
    memcpy(&x, p, 8)
    return swap64(x) if is_swapped else x


cdef uint8_t irq_of_flags(uint64_t flags) noexcept nogil
cdef uint8_t out_of_state(const states_t* states, uint64_t state) noexcept nogil


@final
cdef class Plans:
    cdef plan_t* plans
    cdef uint16_t* numbers  # by the id of an event: its plan + 1, or 0
    cdef size_t nr_plans
    cdef states_t states
    cdef bint is_swapped
    cdef readonly list names

    cdef int kind_of(self, uint64_t id) noexcept nogil
    cdef bint decode(self, bytes_t raw, size_t length, fact_t* fact) noexcept nogil
