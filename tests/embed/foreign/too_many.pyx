"""An extension whose table has one entry too many: its import is refused."""

from cfs cimport FIELD_U64, TABLE_ROOM, add_field, fair_task, field_table, new_fields

cdef field_table too_many = new_fields("too_many")
for _ in range(TABLE_ROOM):
    add_field(&too_many, "weight", &(<fair_task *>NULL).se.load, FIELD_U64)
