# Bits of a word, and two words as one number.

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
    static __forceinline int cfs_highest_bit(unsigned long long word) {
        unsigned long at;
        _BitScanReverse64(&at, word);
        return (int)at;
    }
    #else
    #define cfs_lowest_bit(word) __builtin_ctzll(word)
    #define cfs_highest_bit(word) (63 - __builtin_clzll(word))
    #endif
    #ifdef __SIZEOF_INT128__        /* two instructions, and no jump */
    #define cfs_is_less(high, low, other_high, other_low) \
        (((unsigned __int128)(high) << 64 | (low)) < ((unsigned __int128)(other_high) << 64 | (other_low)))
    #else
    #define cfs_is_less(high, low, other_high, other_low) \
        (((high) < (other_high)) | (((high) == (other_high)) & ((low) < (other_low))))
    #endif
    """
    int lowest_bit "cfs_lowest_bit"(uint64_t word) noexcept nogil       # of a word that is not 0
    int highest_bit "cfs_highest_bit"(uint64_t word) noexcept nogil     # the same
    # is high * 2**64 + low less than the other number?
    int is_less "cfs_is_less"(uint64_t high, uint64_t low, uint64_t other_high, uint64_t other_low) noexcept nogil
