# Floor 1: the leaves that fill a hook table: where in a class's struct a field lies, and where a pointer.
#
# An address is taken in a struct at NULL, so it is the offset:
#
#     entity_fields[0] = field_at("vruntime", &(<sched_entity *>NULL).vruntime, FIELD_U64)
#     task_pointers[0] = pointer_at(&(<fair_task *>NULL).se.parent, 1, POINTER_PLAIN)

from ._types cimport FIELD_U64, field, pointer, uint32_t, uint64_t


cdef inline field field_at(const char *name, void *address, uint32_t kind) noexcept nogil:
    cdef field f
    f.name = name
    f.offset = <uint32_t><size_t>address
    f.kind = kind
    f.value = NULL
    return f


cdef inline field field_from(
    const char *name, uint64_t (*value)(const void *base) noexcept nogil
) noexcept nogil:
    # one that is derived when it is asked for
    cdef field f = field_at(name, NULL, FIELD_U64)
    f.value = value
    return f


cdef inline pointer pointer_at(void *address, uint32_t count, uint32_t kind) noexcept nogil:
    # `count` of them, one behind the other
    cdef pointer found
    found.offset = <uint32_t><size_t>address
    found.count = count
    found.kind = kind
    return found
