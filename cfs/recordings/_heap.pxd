"""A heap of cursors, the one with the earliest time on top; at the same time the one with the lower number."""

from libc.stdint cimport int64_t, uint32_t

cdef struct heap_t:
    uint32_t* items  # cursors
    const int64_t* times  # by cursor
    size_t nr


cdef inline bint is_before(const heap_t* heap, uint32_t one, uint32_t two) noexcept nogil:
    cdef int64_t a = heap.times[one], b = heap.times[two]
    return a < b or (a == b and one < two)


cdef inline void heap_push(heap_t* heap, uint32_t item) noexcept nogil:
    cdef size_t at = heap.nr, up
    heap.nr += 1
    while at:
        up = (at - 1) // 2
        if not is_before(heap, item, heap.items[up]):
            break
        heap.items[at] = heap.items[up]
        at = up
    heap.items[at] = item


cdef inline void heap_settle(heap_t* heap) noexcept nogil:
    # The time of the one on top has changed.
    cdef size_t at = 0, down = 1
    cdef uint32_t item = heap.items[0]
    while down < heap.nr:
        if down + 1 < heap.nr and is_before(heap, heap.items[down + 1], heap.items[down]):
            down += 1
        if not is_before(heap, heap.items[down], item):
            break
        heap.items[at] = heap.items[down]
        at = down
        down = 2 * at + 1
    heap.items[at] = item


cdef inline void heap_pop(heap_t* heap) noexcept nogil:
    heap.nr -= 1
    heap.items[0] = heap.items[heap.nr]
    heap_settle(heap)
