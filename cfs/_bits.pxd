# Floor 1: bits of a word.

from ._types cimport uint64_t

cdef extern from *:
    """
    #ifdef _MSC_VER
    #include <intrin.h>
    static __forceinline int cfs_lowest_bit(unsigned long long word) {
        unsigned long at;
        _BitScanForward64(&at, word);
        return (int)at;
    }
    #else
    #define cfs_lowest_bit(word) __builtin_ctzll(word)
    #endif
    """
    int lowest_bit "cfs_lowest_bit"(uint64_t word) noexcept nogil   # of a word that is not 0
