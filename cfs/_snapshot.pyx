"""A machine as bytes, and a machine from bytes: the basis of copies, snapshots and pickles.

What it decides: what an address means in another machine. A machine points only into its runqueues, idle tasks,
tasks, groups and chunks (the pieces of timelines, `struct run`). Each of these has a number that does not change, so
an address is written as

    kind (3 bits) | number (40 bits) | offset within it (20 bits) | tag (1 bit: the colour of a tree's node)

and the rest of a struct is written as it is (docs/decisions/0001). Trees and lists keep their exact shape, because no
tree is built: links are translated, one by one. The hook table of a class says where its structs have links
(task_pointers, rq_pointers, group_pointers); this file knows no class. An address that leads nowhere (a node that is
in no tree keeps old links) becomes NULL.

An image has, in this order: a row of counts; the tunables; for each CPU its runqueue and its idle task; for each
group (newest first) the group and its part on each CPU; the living tasks by slot; the chunks; the free slots. A
sealed snapshot:

    magic, 8 bytes | version, u32 | bytes of the head, u32 | bytes in all, u64 | head, JSON | image | BLAKE2b, 16 bytes

The image has a fingerprint of each of its structs; a build with other structs refuses it.

Invariants:
    I1  the image of a machine that was made from an image is that image
    I2  a machine that was made from an image points only into itself and to its class
    I3  damaged bytes raise SnapshotError: every length and number is checked, and a checksum is over all of it

Trust: the checksum finds damage, not malice. A forged snapshot with a right checksum is refused if a pointer that
follows from CPU and group leads elsewhere, or if an invariant of the class does not hold: a tree that is a ring, a
wrong sum. But a class's other pointers have no kinds, so not every forgery is found. As with a pickle, take none from
strangers.

Rejected: replaying the events (as slow as the life so far); a field-by-field format (every class would need a writer, and
the shape of the trees would be lost); zlib (structs compress well, but it takes ten times as long as the rest).
"""

import sys

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdlib cimport calloc, free, malloc, qsort
from libc.string cimport memcmp, memcpy, memset

from ._core cimport first_in_slab, grow_slabs, grow_table, machine_init, task_room, tasks_in_slab, touch
from ._load cimport NICE_MAX, NICE_MIN, SHARES_DEFAULT
from ._table cimport add_pointer, new_pointers, pointer_table
from ._timeline cimport first_run_of, nr_runs_in_slab, nr_runs_taken, reserve_runs, run_numbered, take_runs
from ._types cimport (
    GROUP_BY_CGROUP,
    GROUP_BY_NONE,
    LEFT,
    POINTER_ENTITY,
    POINTER_FIXED,
    POINTER_RUN,
    POINTER_TAGGED,
    PRIO_IDLE,
    RUN_ROOM,
    SCHED_IDLE,
    TASK_DEAD,
    field,
    int32_t,
    machine,
    pointer,
    rq,
    run,
    sched_class,
    task,
    task_group,
    uint32_t,
    uint64_t,
    uintptr_t,
    waiting,
    waiting_node,
)

from .errors import ModelError, SnapshotError

MAGIC = b"CFSSNAP\n"
VERSION = 1
FRAME = 24                      # bytes before the head
DIGEST = 16
CPUS_MAX = 4096

cdef enum:
    OFFSET_BITS = 20
    NUMBER_BITS = 40
    KIND_SHIFT = 61             # above tag, offset and number

cdef enum:                      # kinds of places
    PLACE_NONE = 0
    PLACE_RQ = 1                # number: CPU
    PLACE_IDLE = 2              # CPU
    PLACE_TASK = 3              # slot
    PLACE_GROUP = 4             # position in machine.groups
    PLACE_GROUP_CPU = 5         # that times CPUs plus CPU
    PLACE_RUN = 6               # number in the pool


cdef struct counts:             # how an image begins
    uint64_t fingerprint
    uint64_t nr_cpus
    uint64_t group_by
    uint64_t this_cpu           # of machine.this_rq, plus 1; 0: none
    uint64_t nr_groups
    uint64_t nr_groups_made
    uint64_t nr_forked
    uint64_t nr_slots
    uint64_t nr_free
    uint64_t nr_runs            # ever taken from the pool
    uint64_t spare_run          # place of the first that was given back


cdef struct region:             # memory of a machine, and what lies there
    uintptr_t start
    uintptr_t end
    uint64_t kind
    uint64_t number             # of PLACE_GROUP_CPU and PLACE_RUN: of the first


cdef struct atlas:              # all of it, by address; and by number
    machine *m
    region *regions
    size_t nr
    task_group **groups
    uint64_t nr_groups


cdef pointer_table node_pointers = new_pointers("node_pointers")  # of the tree that a run is a node of
add_pointer(&node_pointers, &(<run *>NULL).node.parent_color, 1, POINTER_RUN | POINTER_TAGGED)
add_pointer(&node_pointers, &(<run *>NULL).node.child[0], 2, POINTER_RUN)

# ------------------------------------------------------------------------------------------------ what can be copied


cdef int check_pointers(const pointer *at, size_t size, str what) except -1:
    while at != NULL and at.count != 0:
        if at.offset % sizeof(void *) or at.offset + at.count * sizeof(void *) > size:
            raise ModelError(f"{what}: {at.count} pointers at byte {at.offset} of a struct of {size} bytes")
        at += 1
    return 0


cdef int require_copyable(const sched_class *cls) except -1:
    # ModelError, unless the class says where its pointers are
    if cls.task_pointers == NULL:
        raise ModelError(
            f"{cls.model.decode()} cannot be copied: its hook table does not say where its pointers are (task_pointers)"
        )
    if sizeof(void *) != 8 or max(cls.task_size, cls.rq_size, cls.group_size, sizeof(task_group)) >> OFFSET_BITS:
        raise ModelError(f"{cls.model.decode()} cannot be copied: 64-bit addresses and structs below 1 MiB are needed")
    check_pointers(cls.task_pointers, cls.task_size, "task_pointers")
    check_pointers(cls.rq_pointers, cls.rq_size, "rq_pointers")
    check_pointers(cls.group_pointers, cls.group_size, "group_pointers")
    return 0


cdef list facts_of_pointers(const pointer *at):
    cdef list facts = []
    while at != NULL and at.count != 0:
        facts.append((at.offset, at.count, at.kind))
        at += 1
    return facts


cdef list facts_of_fields(const field *f):
    cdef list facts = []
    while f != NULL and f.name != NULL:
        facts.append((f.name.decode(), f.offset, f.kind))
        f += 1
    return facts


cdef uint64_t fingerprint(const sched_class *cls) except? 0:
    # of everything that says how the structs look
    cdef list facts = [sys.byteorder]       # declared: Cython's inference of such a list does not end
    facts += [int(sizeof(task)), int(sizeof(rq)), int(sizeof(task_group)), int(cls.task_size), int(cls.rq_size)]
    facts += [int(cls.group_size), int(cls.tunables_size), int(cls.load_offset), int(sizeof(run))]
    facts += facts_of_pointers(cls.task_pointers) + facts_of_pointers(cls.rq_pointers)
    facts += facts_of_pointers(cls.group_pointers) + facts_of_fields(cls.entity_fields)
    facts += facts_of_fields(cls.queue_fields) + facts_of_fields(cls.tunables)
    import zlib

    return zlib.crc32(repr(facts).encode())

# ----------------------------------------------------------------------------------------------- places by address


cdef int by_start(const void *a, const void *b) noexcept nogil:
    return ((<const region *>a).start > (<const region *>b).start) - ((<const region *>a).start < (<const region *>b).start)


cdef void add_region(atlas *map, const void *start, size_t size, uint64_t kind, uint64_t number) noexcept nogil:
    cdef region *new = &map.regions[map.nr]
    new.start, new.end, new.kind, new.number = <uintptr_t>start, <uintptr_t>start + size, kind, number
    map.nr += 1


cdef uint64_t list_groups(atlas *map) noexcept nogil:
    # their number; written into map.groups, if there is one
    cdef task_group *tg = map.m.groups
    cdef uint64_t nr = 0
    while tg != NULL:
        if map.groups != NULL:
            map.groups[nr] = tg
        nr += 1
        tg = tg.next
    return nr


cdef size_t nr_regions(const atlas *map) noexcept nogil:
    return 2 * map.m.nr_cpus + 2 * map.nr_groups + map.m.nr_slabs + map.m.runs.nr_slabs


cdef void add_runs(atlas *map) noexcept nogil:
    cdef uint64_t number = 0
    cdef uint64_t nr
    cdef uint64_t slab
    for slab in range(map.m.runs.nr_slabs):
        nr = nr_runs_in_slab(slab)
        add_region(map, first_run_of(map.m.runs.slabs[slab]), nr * sizeof(run), PLACE_RUN, number)
        number += nr


cdef int open_atlas(atlas *map, machine *m) except -1:
    # of a whole machine; close_atlas frees it, also after an error
    cdef const sched_class *cls = m.sched_class
    cdef uint64_t i
    memset(map, 0, sizeof(atlas))
    map.m = m
    map.nr_groups = list_groups(map)
    map.groups = <task_group **>calloc(map.nr_groups + 1, sizeof(void *))
    map.regions = <region *>calloc(nr_regions(map), sizeof(region))
    if map.groups == NULL or map.regions == NULL:
        raise MemoryError
    list_groups(map)
    for i in range(<uint64_t>m.nr_cpus):
        add_region(map, m.rqs[i], cls.rq_size, PLACE_RQ, i)
        add_region(map, m.rqs[i].idle, cls.task_size, PLACE_IDLE, i)
    for i in range(map.nr_groups):
        add_region(map, map.groups[i], sizeof(task_group), PLACE_GROUP, i)
        add_region(map, map.groups[i].cpus, m.nr_cpus * cls.group_size, PLACE_GROUP_CPU, i * m.nr_cpus)
    for i in range(m.nr_slabs):
        add_region(map, first_in_slab(m.slabs[i]), tasks_in_slab(<uint32_t>i) * task_room(m), PLACE_TASK, 0)
    add_runs(map)
    qsort(map.regions, map.nr, sizeof(region), by_start)
    return 0


cdef void close_atlas(atlas *map) noexcept:
    free(map.regions)
    free(map.groups)


cdef inline uint64_t place(uint64_t kind, uint64_t number, uint64_t offset) noexcept nogil:
    return kind << KIND_SHIFT | number << (OFFSET_BITS + 1) | offset << 1


cdef uint64_t place_of_task(const machine *m, const region *where, uintptr_t address) noexcept nogil:
    # what a slab has there may be free, and what is written in it old
    cdef size_t offset = (address - where.start) % task_room(m)
    cdef const task *p = <const task *>(address - offset)
    if offset >= m.sched_class.task_size or p.slot >= m.nr_slots or m.tasks[p.slot] != p:
        return PLACE_NONE
    return place(PLACE_TASK, p.slot, offset)


cdef uint64_t place_in_region(const machine *m, const region *where, uintptr_t address) noexcept nogil:
    cdef uint64_t offset = address - where.start
    if where.kind == PLACE_TASK:
        return place_of_task(m, where, address)
    if where.kind == PLACE_GROUP_CPU:
        return place(where.kind, where.number + offset // m.sched_class.group_size, offset % m.sched_class.group_size)
    if where.kind == PLACE_RUN:
        return place(where.kind, where.number + offset // sizeof(run), offset % sizeof(run))
    return place(where.kind, where.number, offset)


cdef uint64_t place_of(const atlas *map, uintptr_t address) noexcept nogil:
    # the last region that begins at or before the address, if it reaches so far
    cdef size_t low = 0
    cdef size_t high = map.nr
    cdef size_t middle
    while low < high:
        middle = (low + high) >> 1
        if map.regions[middle].start <= address:
            low = middle + 1
        else:
            high = middle
    if low and address < map.regions[low - 1].end:
        return place_in_region(map.m, &map.regions[low - 1], address)
    return PLACE_NONE

# ------------------------------------------------------------------------------------------------ places by number


cdef void *start_of_place(const atlas *map, uint64_t kind, uint64_t number) noexcept nogil:
    # NULL: there is none
    cdef const machine *m = map.m
    cdef uint64_t nr_cpus = <uint64_t>m.nr_cpus
    if kind == PLACE_RQ and number < nr_cpus:
        return m.rqs[number]
    if kind == PLACE_IDLE and number < nr_cpus:
        return m.rqs[number].idle
    if kind == PLACE_TASK and number < m.nr_slots:
        return m.tasks[number]
    if kind == PLACE_GROUP and number < map.nr_groups:
        return map.groups[number]
    if kind == PLACE_GROUP_CPU and number // nr_cpus < map.nr_groups:
        return <char *>map.groups[number // nr_cpus].cpus + number % nr_cpus * m.sched_class.group_size
    if kind == PLACE_RUN and number < nr_runs_taken(&m.runs):
        return run_numbered(&m.runs, number)
    return NULL


cdef size_t size_of_place(const sched_class *cls, uint64_t kind) noexcept nogil:
    if kind == PLACE_RQ:
        return cls.rq_size
    if kind == PLACE_GROUP:
        return sizeof(task_group)
    if kind == PLACE_RUN:
        return sizeof(run)
    return cls.group_size if kind == PLACE_GROUP_CPU else cls.task_size


cdef uintptr_t address_of(const atlas *map, uint64_t where) except? 0:
    # of a place without its tag; 0 for none
    cdef uint64_t kind = where >> KIND_SHIFT
    cdef uint64_t number = where >> (OFFSET_BITS + 1) & ((<uint64_t>1 << NUMBER_BITS) - 1)
    cdef uint64_t offset = where >> 1 & ((1 << OFFSET_BITS) - 1)
    cdef const void *start
    if where >> 1 == 0:
        return 0
    start = start_of_place(map, kind, number)
    if start == NULL or offset % sizeof(void *):
        raise SnapshotError(f"a pointer leads to a place that is not there: kind {kind}, number {number}, byte {offset}")
    if offset >= size_of_place(map.m.sched_class, kind):
        raise SnapshotError(f"a pointer leads to byte {offset} of a struct that is shorter (kind {kind})")
    return <uintptr_t>start + offset

# ----------------------------------------------------------------------------------------------------- translation


cdef void translate_out(const atlas *map, char *copy, const pointer *at) noexcept nogil:
    # the pointers of one struct, of which `copy` is a copy: addresses become places
    cdef uintptr_t address
    cdef uint64_t where
    cdef uintptr_t tag
    cdef uint32_t i
    while at != NULL and at.count != 0:
        for i in range(at.count):
            memcpy(&address, copy + at.offset + i * sizeof(void *), sizeof(void *))
            tag = address & 1 if at.kind & POINTER_TAGGED else 0
            where = 0 if address == tag else place_of(map, address - tag)
            where |= tag
            memcpy(copy + at.offset + i * sizeof(void *), &where, sizeof(void *))
        at += 1


cdef inline bint may_be_run(uint64_t where) noexcept nogil:
    # NULL, or the start of one
    return where >> 1 == 0 or (where >> KIND_SHIFT == PLACE_RUN and where >> 1 & ((1 << OFFSET_BITS) - 1) == 0)


cdef bint is_entity(const atlas *map, uint64_t where, uintptr_t address) noexcept nogil:
    # of a place that is there
    cdef const sched_class *cls = map.m.sched_class
    cdef uint64_t kind = where >> KIND_SHIFT
    cdef uint64_t number = where >> (OFFSET_BITS + 1) & ((<uint64_t>1 << NUMBER_BITS) - 1)
    cdef uint64_t nr_cpus = <uint64_t>map.m.nr_cpus
    if kind == PLACE_TASK:
        return address == <uintptr_t>cls.task_entity(map.m.tasks[number])
    if kind == PLACE_GROUP_CPU:
        return address == <uintptr_t>cls.group_entity(map.groups[number // nr_cpus], <int32_t>(number % nr_cpus))
    return False


cdef uintptr_t entity_at(const atlas *map, uint64_t where) except? 0:
    cdef uintptr_t address = address_of(map, where)
    if address != 0 and not is_entity(map, where, address):
        raise SnapshotError("a pointer to an entity leads to something else")
    return address


cdef int translate_in(const atlas *map, char *here, const pointer *at) except -1:
    # the reverse, in place
    cdef uint64_t where
    cdef uintptr_t address
    cdef uint32_t i
    while at != NULL and at.count != 0:
        for i in range(at.count):
            memcpy(&where, here + at.offset + i * sizeof(void *), sizeof(void *))
            if where & 1 and not at.kind & POINTER_TAGGED:
                raise SnapshotError("a pointer has a tag that it cannot have")
            if at.kind & POINTER_RUN and not may_be_run(where):
                raise SnapshotError("a pointer to a run leads to something else")
            if at.kind & POINTER_ENTITY:
                address = entity_at(map, where & ~<uint64_t>1)
            else:
                address = address_of(map, where & ~<uint64_t>1)
            address |= where & 1
            memcpy(here + at.offset + i * sizeof(void *), &address, sizeof(void *))
        at += 1
    return 0


cdef inline void *as_place(const atlas *map, const void *address) noexcept nogil:
    return <void *><uintptr_t>(0 if address == NULL else place_of(map, <uintptr_t>address))


cdef void *core_pointer(const atlas *map, const void *written, uint64_t kind, uint64_t other, str what) except? NULL:
    # of the core's own pointers one knows more: to the start of one kind of struct, or two
    cdef uint64_t where = <uint64_t><uintptr_t>written
    if where and (where >> KIND_SHIFT not in (kind, other) or where & ((1 << (OFFSET_BITS + 1)) - 1)):
        raise SnapshotError(f"{what} leads to something else")
    return <void *>address_of(map, where)

# --------------------------------------------------------------------------------------------------------- writing


cdef char *write_task(const atlas *map, char *out, const task *p) noexcept nogil:
    cdef task *copy = <task *>out
    memcpy(out, p, map.m.sched_class.task_size)
    copy.sched_class, copy.handle = NULL, NULL
    copy.rq = <rq *>as_place(map, p.rq)
    copy.group = <task_group *>as_place(map, p.group)
    translate_out(map, out, map.m.sched_class.task_pointers)
    return out + map.m.sched_class.task_size


cdef char *write_cpu(const atlas *map, char *out, const rq *rq_of_cpu) noexcept nogil:
    cdef rq *copy = <rq *>out
    memcpy(out, rq_of_cpu, map.m.sched_class.rq_size)
    copy.sched_class, copy.machine, copy.idle, copy.touched = NULL, NULL, NULL, False
    copy.curr = <task *>as_place(map, rq_of_cpu.curr)
    translate_out(map, out, map.m.sched_class.rq_pointers)
    return write_task(map, out + map.m.sched_class.rq_size, rq_of_cpu.idle)


cdef char *write_group(const atlas *map, char *out, const task_group *tg) noexcept nogil:
    cdef task_group *copy = <task_group *>out
    cdef size_t size = map.m.sched_class.group_size
    cdef int32_t cpu
    memcpy(out, tg, sizeof(task_group))
    copy.machine, copy.next, copy.handle, copy.cpus = NULL, NULL, NULL, NULL
    copy.parent = <task_group *>as_place(map, tg.parent)
    out += sizeof(task_group)
    memcpy(out, tg.cpus, map.m.nr_cpus * size)
    for cpu in range(map.m.nr_cpus):
        translate_out(map, out + cpu * size, map.m.sched_class.group_pointers)
    return out + map.m.nr_cpus * size


cdef char *write_run(const atlas *map, char *out, const run *at) noexcept nogil:
    # what is old in it stays out: of one given back all but its link
    cdef run *copy = <run *>out
    cdef uint32_t i
    memset(out, 0, sizeof(run))
    copy.node.child[LEFT] = at.node.child[LEFT]
    if at.head != at.tail:
        memcpy(out, at, <size_t>&(<run *>NULL).waiting)
        memcpy(&copy.waiting[at.head], &at.waiting[at.head], (at.tail - at.head) * sizeof(waiting))
    translate_out(map, out, node_pointers.pointers)
    for i in range(at.head, at.tail):
        copy.waiting[i].node = <waiting_node *>as_place(map, at.waiting[i].node)
    return out + sizeof(run)


cdef uint64_t image_size(const counts *nr, const sched_class *cls) noexcept nogil:
    cdef uint64_t size = sizeof(counts) + cls.tunables_size + nr.nr_cpus * (cls.rq_size + cls.task_size)
    size += nr.nr_groups * (sizeof(task_group) + nr.nr_cpus * cls.group_size)
    size += (nr.nr_slots - nr.nr_free) * cls.task_size + nr.nr_runs * sizeof(run)
    return size + nr.nr_free * sizeof(uint32_t)


cdef counts counts_of(const atlas *map) except *:
    cdef counts nr
    cdef const machine *m = map.m
    nr.fingerprint = fingerprint(m.sched_class)
    nr.nr_cpus, nr.group_by = <uint64_t>m.nr_cpus, <uint64_t>m.group_by
    nr.this_cpu = 0 if m.this_rq == NULL else <uint64_t>m.this_rq.cpu + 1
    nr.nr_groups, nr.nr_groups_made = map.nr_groups, m.nr_groups
    nr.nr_forked, nr.nr_slots, nr.nr_free = m.nr_forked, m.nr_slots, m.nr_free
    nr.nr_runs, nr.spare_run = nr_runs_taken(&m.runs), <uint64_t><uintptr_t>as_place(map, m.runs.spare)
    return nr


cdef void write_image(const atlas *map, const counts *nr, char *out) noexcept nogil:
    cdef const machine *m = map.m
    cdef uint64_t i
    memcpy(out, nr, sizeof(counts))
    out += sizeof(counts)
    memcpy(out, m.tunables, m.sched_class.tunables_size)
    out += m.sched_class.tunables_size
    for i in range(nr.nr_cpus):
        out = write_cpu(map, out, m.rqs[i])
    for i in range(nr.nr_groups):
        out = write_group(map, out, map.groups[i])
    for i in range(nr.nr_slots):
        if m.tasks[i] != NULL:
            out = write_task(map, out, m.tasks[i])
    for i in range(nr.nr_runs):
        out = write_run(map, out, run_numbered(&m.runs, i))
    if m.nr_free:
        memcpy(out, m.free_slots, m.nr_free * sizeof(uint32_t))


cdef bytes image_of(machine *m):
    # everything of a machine but its class
    cdef atlas map
    cdef counts nr
    cdef bytes image
    require_copyable(m.sched_class)
    try:
        open_atlas(&map, m)
        nr = counts_of(&map)
        image = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>image_size(&nr, m.sched_class))
        write_image(&map, &nr, PyBytes_AS_STRING(image))
        return image
    finally:
        close_atlas(&map)

# --------------------------------------------------------------------------------------------------------- reading


cdef int check_counts(const counts *nr, const sched_class *cls, uint64_t size) except -1:
    cdef uint64_t most = size               # nothing is smaller than a byte, so no product below overflows
    if nr.fingerprint != fingerprint(cls):
        raise SnapshotError("it was written by a build of cfs whose structs look different")
    if not 1 <= nr.nr_cpus <= CPUS_MAX or nr.this_cpu > nr.nr_cpus or nr.group_by > GROUP_BY_CGROUP:
        raise SnapshotError(f"{nr.nr_cpus} CPUs, grouped in way {nr.group_by}: outside of what there is")
    if nr.nr_groups > most or nr.nr_slots > most or nr.nr_free > nr.nr_slots or nr.nr_slots >> 32:
        raise SnapshotError(f"{nr.nr_groups} groups and {nr.nr_slots} slots do not fit into {size} bytes")
    if (nr.nr_groups == 0) != (nr.group_by == GROUP_BY_NONE) or nr.nr_groups > nr.nr_groups_made or nr.nr_groups_made >> 32:
        raise SnapshotError(f"{nr.nr_groups} groups of {nr.nr_groups_made} that were made, grouped in way {nr.group_by}")
    if nr.nr_groups and cls.group_size == 0:
        raise SnapshotError(f"{cls.model.decode()} has no groups")
    if nr.nr_runs > most or (nr.nr_runs and not cls.has_timelines):
        raise SnapshotError(f"{nr.nr_runs} runs do not fit into {size} bytes, or {cls.model.decode()} has none")
    if image_size(nr, cls) != size:
        raise SnapshotError(f"the image has {size} bytes, its parts {image_size(nr, cls)}")
    return 0


cdef int make_groups(machine *m, const counts *nr) except -1:
    # empty ones, which the machine owns from the start, so that it can free them after an error
    cdef task_group *tg
    cdef uint64_t i
    for i in range(nr.nr_groups):
        tg = <task_group *>calloc(1, sizeof(task_group))
        if tg == NULL:
            raise MemoryError
        tg.next = m.groups
        m.groups = tg
        tg.cpus = calloc(nr.nr_cpus, m.sched_class.group_size)
        if tg.cpus == NULL:
            raise MemoryError
    return 0


cdef int make_runs(machine *m, const counts *nr) except -1:
    m.nr_groups_alive = <uint32_t>nr.nr_groups
    reserve_runs(&m.runs, nr.nr_runs)
    take_runs(&m.runs, nr.nr_runs)
    return 0


cdef int make_slots(machine *m, const counts *nr, const uint32_t *free_slots) except -1:
    # the table, with tasks where no slot is free
    cdef uint64_t slot
    while m.slots_max < nr.nr_slots:
        grow_table(m)
    if nr.nr_slots == 0:
        return 0
    memset(m.tasks, 0xff, nr.nr_slots * sizeof(void *))        # taken
    memcpy(m.free_slots, free_slots, nr.nr_free * sizeof(uint32_t))
    for slot in range(nr.nr_free):
        if m.free_slots[slot] >= nr.nr_slots or m.tasks[m.free_slots[slot]] == NULL:
            raise SnapshotError(f"slot {m.free_slots[slot]} is not there, or free twice")
        m.tasks[m.free_slots[slot]] = NULL
    for slot in range(nr.nr_slots):
        if m.tasks[slot] == NULL:
            continue
        if m.spare == NULL:
            grow_slabs(m)
        m.tasks[slot] = <task *>m.spare
        m.spare = (<void **>m.spare)[0]
    m.nr_slots, m.nr_free = <uint32_t>nr.nr_slots, <uint32_t>nr.nr_free
    return 0


cdef const char *read_task(const atlas *map, const char *at, task *p, const sched_class *cls) except NULL:
    memcpy(p, at, map.m.sched_class.task_size)
    p.sched_class, p.handle = cls, NULL
    p.rq = <rq *>core_pointer(map, p.rq, PLACE_RQ, PLACE_RQ, "rq of a task")
    p.group = <task_group *>core_pointer(map, p.group, PLACE_GROUP, PLACE_GROUP, "group of a task")
    if p.rq == NULL or (p.group == NULL) != (map.m.group_by == GROUP_BY_NONE):
        raise SnapshotError("a task has no CPU, or no group where there are groups")
    if p.state > TASK_DEAD or p.policy > SCHED_IDLE or not NICE_MIN <= p.nice <= NICE_MAX or not 0 <= p.prio <= PRIO_IDLE:
        raise SnapshotError(f"state {p.state}, policy {p.policy}, nice {p.nice} or prio {p.prio} is out of range")
    translate_in(map, <char *>p, map.m.sched_class.task_pointers)
    return at + map.m.sched_class.task_size


cdef const char *read_cpu(const atlas *map, const char *at, int32_t cpu) except NULL:
    cdef machine *m = map.m
    cdef rq *rq_of_cpu = m.rqs[cpu]
    cdef task *idle = rq_of_cpu.idle
    cdef bytes made = (<char *>rq_of_cpu)[:m.sched_class.rq_size]      # by machine_init
    memcpy(rq_of_cpu, at, m.sched_class.rq_size)
    rq_of_cpu.machine, rq_of_cpu.sched_class, rq_of_cpu.idle = m, m.sched_class, idle
    rq_of_cpu.alone, rq_of_cpu.touched = m.nr_cpus == 1, False
    rq_of_cpu.curr = <task *>core_pointer(map, rq_of_cpu.curr, PLACE_TASK, PLACE_IDLE, "the running task")
    if rq_of_cpu.cpu != cpu or rq_of_cpu.curr == NULL:
        raise SnapshotError(f"CPU {rq_of_cpu.cpu} stands in the place of {cpu}, or nothing runs there")
    translate_in(map, <char *>rq_of_cpu, m.sched_class.rq_pointers)
    require_as_made(<char *>rq_of_cpu, made, m.sched_class.rq_pointers)
    at = read_task(map, at + m.sched_class.rq_size, idle, m.idle_class)
    if idle.rq != rq_of_cpu or idle.id != 0:
        raise SnapshotError(f"the idle task of CPU {cpu} is another one")
    return at


cdef const char *read_group(const atlas *map, const char *at, uint64_t number) except NULL:
    cdef machine *m = map.m
    cdef task_group *tg = map.groups[number]
    cdef task_group *next = tg.next
    cdef char *cpus = <char *>tg.cpus
    cdef task_group written
    memcpy(&written, at, sizeof(task_group))
    written.machine, written.next, written.handle, written.cpus = m, next, NULL, cpus
    written.parent = <task_group *>core_pointer(map, written.parent, PLACE_GROUP, PLACE_GROUP, "a group's parent")
    if (written.parent == NULL) != (next == NULL) or written.id >= m.nr_groups:
        raise SnapshotError(f"group {written.id} is out of place")
    memcpy(tg, &written, sizeof(task_group))
    return at + sizeof(task_group)


cdef const char *read_group_cpus(const atlas *map, const char *at, task_group *tg) except NULL:
    # what it has on each CPU; all groups know their parents by now
    cdef const sched_class *cls = map.m.sched_class
    cdef char *here = <char *>tg.cpus
    cdef uint64_t shares = tg.shares
    cdef bytes made
    cdef int32_t cpu
    for cpu in range(map.m.nr_cpus):
        tg.shares = SHARES_DEFAULT              # as of a new group; whatever is written, it is divided by here
        cls.init_group(tg, cpu)
        tg.shares = shares
        made = here[:cls.group_size]
        memcpy(here, at, cls.group_size)
        translate_in(map, here, cls.group_pointers)
        require_as_made(here, made, cls.group_pointers)
        here += cls.group_size
        at += cls.group_size
    return at


cdef int require_as_made(const char *here, const char *made, const pointer *at) except -1:
    # Some pointers follow from CPU and group: the owner of a queue, the entity above. What is written must be what
    # the class's hooks have made.
    while at != NULL and at.count != 0:
        if at.kind & POINTER_FIXED and memcmp(here + at.offset, made + at.offset, at.count * sizeof(void *)):
            raise SnapshotError("a pointer that follows from CPU and group leads elsewhere")
        at += 1
    return 0


cdef int check_place(task *p, const sched_class *cls) except -1:
    # what the hook makes of a blank task
    cdef bytes written = (<char *>p)[:cls.task_size]
    cdef bytes made
    memset(<char *>p + sizeof(task), 0, cls.task_size - sizeof(task))
    cls.set_task_rq(p)
    made = (<char *>p)[:cls.task_size]
    memcpy(p, <const char *>written, cls.task_size)
    return require_as_made(written, made, cls.task_pointers)


cdef int check_invariants(const machine *m) except -1:
    # those of the class, which looks only where a pointer may lead; a tree that is a ring breaks I6 of _rbtree
    cdef int32_t cpu
    cdef int broken
    for cpu in range(m.nr_cpus):
        broken = m.sched_class.check_rq(m.rqs[cpu])
        if broken or m.rqs[cpu].bug:
            raise SnapshotError(
                f"invariant I{broken} of {m.sched_class.model.decode()}, bug code {m.rqs[cpu].bug}, on CPU {cpu}"
            )
    return 0


cdef const char *read_run(const atlas *map, const char *at, run *here) except NULL:
    cdef uint64_t where
    cdef uint32_t i
    memcpy(here, at, sizeof(run))
    if here.head > here.tail or here.tail > RUN_ROOM:
        raise SnapshotError(f"a run has the slots {here.head} to {here.tail} of {RUN_ROOM}")
    translate_in(map, <char *>here, node_pointers.pointers)
    for i in range(here.head, here.tail):
        where = <uint64_t><uintptr_t>here.waiting[i].node
        if where == 0:
            raise SnapshotError("a run has nobody in a slot that is in use")
        here.waiting[i].node = <waiting_node *>entity_at(map, where)
    return at + sizeof(run)


cdef int check_whole(const atlas *map) except -1:
    # checks that need everything: the running task runs here, ids are unique, ancestors are older
    cdef const machine *m = map.m
    cdef const task *curr
    cdef int32_t cpu
    cdef uint64_t i
    ids = set()
    for cpu in range(m.nr_cpus):
        curr = m.rqs[cpu].curr
        if curr.rq != m.rqs[cpu] or (curr.id == 0 and curr != m.rqs[cpu].idle):
            raise SnapshotError(f"the running task of CPU {cpu} is on another CPU")
        check_place(m.rqs[cpu].idle, m.sched_class)
        if m.rqs[cpu].resched or curr.need_resched:         # what the last event has left, or nobody has acted on yet
            touch(m.rqs[cpu])
    for i in range(m.nr_slots):
        if m.tasks[i] == NULL:
            continue
        if m.tasks[i].slot != i or not 1 <= m.tasks[i].id <= m.nr_forked or m.tasks[i].id in ids:
            raise SnapshotError(f"task {m.tasks[i].id} is there twice, or out of its slot {m.tasks[i].slot}")
        ids.add(m.tasks[i].id)
        check_place(m.tasks[i], m.sched_class)
    for i in range(map.nr_groups):
        if i and map.groups[i].id >= map.groups[i - 1].id:
            raise SnapshotError(f"group {map.groups[i].id} is out of order")
        if map.groups[i].parent != NULL and map.groups[i].parent.id >= map.groups[i].id:
            raise SnapshotError(f"group {map.groups[i].id} is older than its parent")
    return 0


cdef int read_parts(const atlas *map, const counts *nr, const char *at) except -1:
    cdef machine *m = map.m
    cdef size_t on_cpus = m.nr_cpus * m.sched_class.group_size
    cdef const char *groups_at
    cdef uint64_t i
    for i in range(nr.nr_cpus):
        at = read_cpu(map, at, <int32_t>i)
    groups_at = at
    for i in range(nr.nr_groups):
        at = read_group(map, at, i) + on_cpus
    for i in range(nr.nr_groups):
        groups_at = read_group_cpus(map, groups_at + sizeof(task_group), map.groups[i])
    for i in range(nr.nr_slots):
        if m.tasks[i] != NULL:
            at = read_task(map, at, m.tasks[i], m.sched_class)
    for i in range(nr.nr_runs):
        at = read_run(map, at, run_numbered(&m.runs, i))
    m.runs.spare = <run *>core_pointer(map, <void *><uintptr_t>nr.spare_run, PLACE_RUN, PLACE_RUN, "the spare run")
    return check_whole(map)


cdef int machine_of_image(
    machine *m, const sched_class *cls, const sched_class *idle_class, const unsigned char[::1] image
) except -1:
    # `m` is zeroed; after an error machine_free frees what there is
    cdef uint64_t size = <uint64_t>image.shape[0]
    cdef const char *at = <const char *>&image[0] if size else NULL
    cdef counts nr
    cdef atlas map
    require_copyable(cls)
    if size < sizeof(counts) + cls.tunables_size:
        raise SnapshotError(f"the image has only {size} bytes")
    memcpy(&nr, at, sizeof(counts))
    check_counts(&nr, cls, size)
    cdef uint64_t *tunables = <uint64_t *>malloc(cls.tunables_size)
    if tunables == NULL:
        raise MemoryError
    try:
        memcpy(tunables, at + sizeof(counts), cls.tunables_size)
        machine_init(m, cls, idle_class, <int32_t>nr.nr_cpus, <int32_t>nr.group_by, tunables)
    finally:
        free(tunables)
    make_groups(m, &nr)
    make_runs(m, &nr)
    make_slots(m, &nr, <const uint32_t *>(at + size - nr.nr_free * sizeof(uint32_t)))
    m.nr_forked, m.nr_groups = nr.nr_forked, <uint32_t>nr.nr_groups_made
    if nr.this_cpu:
        m.this_rq = m.rqs[nr.this_cpu - 1]
    try:
        open_atlas(&map, m)
        read_parts(&map, &nr, at + sizeof(counts) + cls.tunables_size)
        m.root_group = map.groups[map.nr_groups - 1] if map.nr_groups else NULL
        check_invariants(m)
    finally:
        close_atlas(&map)
    return 0

# --------------------------------------------------------------------------------------------------------- sealing


cdef bytes digest_of(data):
    import hashlib

    return hashlib.blake2b(data, digest_size=DIGEST).digest()


def seal(head, image):
    """Frame a head (what JSON can hold) and an image, with length, version and checksum."""
    import json     # here, as are hashlib and zlib: they are a tenth of `import cfs`, and few take snapshots

    text = json.dumps(head, separators=(",", ":")).encode("ascii")
    whole = FRAME + len(text) + len(image) + DIGEST
    frame = MAGIC + VERSION.to_bytes(4, "little") + len(text).to_bytes(4, "little") + whole.to_bytes(8, "little")
    data = frame + text + image
    return data + digest_of(data)


def unseal(data):
    """The head and the image; `SnapshotError` if the bytes are not what `seal` made."""
    data = memoryview(data).cast("B")
    if data[:len(MAGIC)] != MAGIC:
        raise SnapshotError("these bytes are no snapshot of a Scheduler: they begin otherwise")
    if len(data) < FRAME + DIGEST:
        raise SnapshotError(f"the snapshot is cut: {len(data)} bytes are less than any has")
    version, whole = int.from_bytes(data[8:12], "little"), int.from_bytes(data[16:24], "little")
    if version != VERSION:
        raise SnapshotError(f"the snapshot has format version {version}; this cfs reads version {VERSION}")
    if whole != len(data):
        raise SnapshotError(f"the snapshot says that it has {whole} bytes, and has {len(data)}")
    if digest_of(data[:-DIGEST]) != bytes(data[-DIGEST:]):
        raise SnapshotError("the snapshot is damaged: its checksum does not fit")
    end = FRAME + int.from_bytes(data[12:16], "little")
    if end > len(data) - DIGEST:
        raise SnapshotError("the head of the snapshot is longer than the whole")
    import json

    try:
        head = json.loads(bytes(data[FRAME:end]))
    except (ValueError, RecursionError) as error:
        raise SnapshotError(f"the head of the snapshot cannot be read: {error}") from None
    if not isinstance(head, dict):
        raise SnapshotError("the head of the snapshot is no table")
    return head, data[end:len(data) - DIGEST]
