# The leaves that fill a hook table: lists of the places of fields and of pointers in a class's structs.
#
#     cdef field_table entity_fields = new_fields("entity_fields")
#     add_field(&entity_fields, "vruntime", &(<sched_entity *>NULL).vruntime, FIELD_U64)
#     add_derived(&entity_fields, "prio", prio_of)
#     table.entity_fields = entity_fields.fields
#
#     cdef pointer_table task_pointers = new_pointers("task_pointers")
#     add_pointer(&task_pointers, &(<fair_task *>NULL).se.parent, 1, POINTER_PLAIN)
#     table.task_pointers = task_pointers.pointers
#
# An address in a struct at NULL is the offset. A list ends at its first empty entry, and one is always left. An entry
# too many raises ImportError, because lists are filled while their module is imported.

from libc.string cimport memset

from ._types cimport FIELD_U64, field, pointer, uint32_t, uint64_t

cdef enum:
    TABLE_ROOM = 32             # entries of a list, the one that ends it included


cdef struct field_table:
    field fields[TABLE_ROOM]
    uint32_t nr
    const char *name            # for the error


cdef struct pointer_table:
    pointer pointers[TABLE_ROOM]
    uint32_t nr
    const char *name

# -------------------------------------------------------------------------------------------------------- one entry


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
    # `count` of them, one after the other
    cdef pointer found
    found.offset = <uint32_t><size_t>address
    found.count = count
    found.kind = kind
    return found

# ---------------------------------------------------------------------------------------------------- lists of them


cdef inline field_table new_fields(const char *name) noexcept nogil:
    cdef field_table empty
    memset(&empty, 0, sizeof(empty))
    empty.name = name
    return empty


cdef inline pointer_table new_pointers(const char *name) noexcept nogil:
    cdef pointer_table empty
    memset(&empty, 0, sizeof(empty))
    empty.name = name
    return empty


cdef inline int require_room(const char *name, uint32_t nr) except -1:
    if nr + 1 >= TABLE_ROOM:
        raise ImportError(f"{name.decode()} is full: there is room for {TABLE_ROOM - 1} entries (cfs/_table.pxd)")
    return 0


cdef inline int append_field(field_table *table, field f) except -1:
    require_room(table.name, table.nr)
    table.fields[table.nr] = f
    table.nr += 1
    return 0


cdef inline int add_field(field_table *table, const char *name, void *address, uint32_t kind) except -1:
    return append_field(table, field_at(name, address, kind))


cdef inline int add_derived(
    field_table *table, const char *name, uint64_t (*value)(const void *base) noexcept nogil
) except -1:
    return append_field(table, field_from(name, value))


cdef inline int add_pointer(pointer_table *table, void *address, uint32_t count, uint32_t kind) except -1:
    require_room(table.name, table.nr)
    table.pointers[table.nr] = pointer_at(address, count, kind)
    table.nr += 1
    return 0
