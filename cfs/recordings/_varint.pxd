"""The wire format of protocol buffers, as far as Perfetto uses it: the fields of a message, one after the other.

A message is a row of (key, value); a key is a varint of field number and wire type. Every step moves forward by
a byte at least, and NULL says that what stands there is no field that ends within the message.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from ._plan cimport bytes_t, u32, u64

cdef enum:
    WIRE_VARINT = 0
    WIRE_64 = 1
    WIRE_BYTES = 2
    WIRE_32 = 5

cdef struct wire_t:
    uint32_t number  # of the field
    uint8_t wire
    uint64_t value  # of a varint or a fixed number; 0 of bytes
    bytes_t start  # of bytes; NULL of numbers
    bytes_t end


cdef inline bytes_t varint(bytes_t p, bytes_t end, uint64_t* value) noexcept nogil:
    # At most ten bytes, the lowest seven bits first.
    cdef uint64_t x = 0
    cdef int shift = 0
    if p < end and p[0] < 0x80:  # most are one byte
        value[0] = p[0]
        return p + 1
    while p < end and shift < 70:
        x |= <uint64_t> (p[0] & 0x7F) << shift if shift < 64 else 0
        if p[0] < 0x80:
            value[0] = x
            return p + 1
        shift += 7
        p += 1
    return NULL


cdef inline bytes_t next_field(bytes_t p, bytes_t end, wire_t* f, bint is_swapped) noexcept nogil:
    # `is_swapped`: the host is big endian, the file is little endian.
    cdef uint64_t key = 0
    p = varint(p, end, &key)
    if p == NULL or key >> 35 or key >> 3 == 0:
        return NULL
    f.number = <uint32_t> (key >> 3)
    f.wire = key & 7
    f.value = 0
    f.start = NULL
    if f.wire == WIRE_VARINT:
        return varint(p, end, &f.value)
    if f.wire == WIRE_BYTES:
        p = varint(p, end, &key)
        if p == NULL or key > <uint64_t> (end - p):
            return NULL
        f.start = p
        f.end = p + key
        return f.end
    if f.wire == WIRE_64 and end - p >= 8:
        f.value = u64(p, is_swapped)
        return p + 8
    if f.wire == WIRE_32 and end - p >= 4:
        f.value = u32(p, is_swapped)
        return p + 4
    return NULL
