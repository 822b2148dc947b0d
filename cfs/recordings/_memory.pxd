"""Memory of a reader, outside of Python's own, so that it can grow without the GIL."""

from cpython.mem cimport PyMem_RawRealloc


cdef inline void* resized(void* block, size_t size) except NULL nogil:
    cdef void* place = PyMem_RawRealloc(block, size)
    if place == NULL:
        with gil:
            raise MemoryError(f"no memory for {size} bytes of a recording")
    return place
