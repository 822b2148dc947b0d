"""Eight characters at once: as a number of 64 bits, whose lowest byte is the first character.

A line has some 60 characters of numbers, words and blanks, and four instructions for each of them were half of the cost
of reading it. Eight are looked at together only if all of them lie before the end; the rest one by one.

    digits    d = x ^ 0x30 in each byte is 0 ... 9 for a digit, so d + 0x76, or d itself, has its highest bit for all else
    value     shifted until the last digit is the highest byte, then pairs, fours and all are added up
    words     with the highest bit set, a byte below 0x21 loses it when 0x21 is taken away

Only the first byte that is marked counts: a sum may carry into the bytes behind it.
"""

from libc.stdint cimport int64_t, uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    #ifdef _MSC_VER
    #include <intrin.h>
    static __forceinline int cfs_first_mark(uint64_t marks) {
        unsigned long at;
        _BitScanForward64(&at, marks);
        return (int)(at >> 3);
    }
    #else
    #define cfs_first_mark(marks) (__builtin_ctzll(marks) >> 3)
    #endif
    #define CFS_BYTES(byte) (0x0101010101010101ULL * (byte))

    static inline int64_t cfs_ten_to(int nr) {
        static const int64_t powers[9] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
        return powers[nr];
    }

    static inline uint64_t cfs_eight(const char *p) {
        uint64_t x;
        memcpy(&x, p, 8);
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        x = __builtin_bswap64(x);
    #endif
        return x;
    }

    static inline int cfs_nr_digits(uint64_t x) {
        uint64_t d = x ^ CFS_BYTES(0x30);
        uint64_t marks = ((d + CFS_BYTES(0x76)) | d) & CFS_BYTES(0x80);
        return marks ? cfs_first_mark(marks) : 8;
    }

    static inline int64_t cfs_value(uint64_t x, int nr) {
        x = (x ^ CFS_BYTES(0x30)) << (64 - 8 * nr);
        x = (x * (10 * 256 + 1) >> 8) & 0x00FF00FF00FF00FFULL;
        x = (x * (100 * 65536 + 1) >> 16) & 0x0000FFFF0000FFFFULL;
        return (int64_t)(x * (10000 * 4294967296ULL + 1) >> 32);
    }

    static inline int cfs_word_length(uint64_t x) {
        uint64_t high = x | CFS_BYTES(0x80);
        uint64_t marks = (~(high - CFS_BYTES(0x21)) | x) & CFS_BYTES(0x80);
        return marks ? cfs_first_mark(marks) : 8;
    }

    static inline int cfs_nr_blanks(uint64_t x) {
        x ^= CFS_BYTES(0x20);
        return x ? cfs_first_mark(x) : 8;
    }
    """
    int64_t ten_to "cfs_ten_to"(int nr) noexcept nogil  # 0 to 8
    uint64_t eight "cfs_eight"(const char* p) noexcept nogil
    int nr_digits "cfs_nr_digits"(uint64_t x) noexcept nogil  # at the beginning
    int64_t value_of_digits "cfs_value"(uint64_t x, int nr) noexcept nogil  # of the first nr, 1 to 8
    int word_length "cfs_word_length"(uint64_t x) noexcept nogil  # up to a character that is no visible one of ASCII
    int nr_blanks "cfs_nr_blanks"(uint64_t x) noexcept nogil


cdef inline const char* skip_blanks(const char* p, const char* end) noexcept nogil:
    cdef int nr
    while end - p >= 8:
        nr = nr_blanks(eight(p))
        p += nr
        if nr < 8:
            return p
    while p < end and p[0] == c" ":
        p += 1
    return p


cdef inline const char* end_of_word(const char* p, const char* end) noexcept nogil:
    cdef int nr
    while end - p >= 8:
        nr = word_length(eight(p))
        p += nr
        if nr < 8:
            return p
    while p < end and <signed char> p[0] > c" ":  # the same on machines whose characters have no sign
        p += 1
    return p
