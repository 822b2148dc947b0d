"""From the bytes of a tracepoint's record to a fact, by a plan made of the format that the file itself gives.

What it decides: what of an event is read. A plan is made once for each event of the file; it says for each
part of a fact where in the record it stands, in how many bytes, and whether signed. So one loop reads the
records of any kernel, word size and byte order, and an event costs some 15 ns.

    I1  No byte is read that does not belong to the record: a plan knows the length that its fields need, and
        the place of a text is checked at each record.

Rejected: a struct for each event as today's kernel has it. Offsets differ between kernels, and a struct
that is wrong by four bytes reads plausible numbers.
"""

from cython cimport final
from cpython.mem cimport PyMem_RawFree
from libc.string cimport memchr, memset

from ._events cimport *
from ._sink cimport *
from ._memory cimport resized

cdef enum:
    NR_IDS = 1 << 16

# For each event: its kind, and the fields of the file that are pid, prio, name, other, other_prio, other_name,
# value. Several names: of several kernels.
cdef dict EVENTS = {
    "sched_switch": (SWITCHED, "prev_pid", "prev_prio", "prev_comm", "next_pid", "next_prio", "next_comm",
                     "prev_state"),
    "sched_waking": (WAKING, "pid", "prio", "comm", "target_cpu", "", "", ""),
    "sched_wakeup": (WAKEUP, "pid", "prio", "comm", "target_cpu", "", "", ""),
    "sched_wakeup_new": (WAKEUP_NEW, "pid", "prio", "comm", "target_cpu", "", "", ""),
    "sched_process_fork": (FORKED, "parent_pid", "", "parent_comm", "child_pid", "", "child_comm", ""),
    "sched_stat_runtime": (RAN, "pid", "", "comm", "", "", "", "runtime"),
    "sched_process_exit": (EXITED, "pid", "prio", "comm", "", "", "", ""),
    "sched_migrate_task": (MIGRATED, "pid", "prio", "comm", "orig_cpu", "dest_cpu", "", ""),
}  # fmt: skip
cdef dict HOW = {"integer": INTEGER, "text": TEXT, "data_loc": DATA_LOC, "rel_loc": REL_LOC}


@final
cdef class Plans:
    """The plans of a file's events.

    Parameters
    ----------
    byteorder : {"little", "big"}
    states : cfs.recordings.tracepoints.States

    Attributes
    ----------
    names : list of str
        The events that have a plan; a fact's ``event`` is the index.
    """

    def __cinit__(self, byteorder, states):
        self.is_swapped = (byteorder == "big") != is_big_host()
        self.numbers = <uint16_t*> resized(NULL, NR_IDS * sizeof(uint16_t))
        memset(self.numbers, 0, NR_IDS * sizeof(uint16_t))
        self.names = []
        self.set_states(states)

    def __dealloc__(self):
        PyMem_RawFree(self.plans)
        PyMem_RawFree(self.numbers)

    def set_states(self, states):
        """Read prev_state by these bits from now on."""
        self.states.mask = states.mask
        self.states.preempted = states.preempted
        self.states.dead = states.bits("XZx")
        self.states.uninterruptible = states.bits("D")
        self.states.idle = states.bits("I")

    def add(self, format, as_event=None):
        """Make a plan of an event; one without the fields that it needs is passed over.

        Parameters
        ----------
        format : cfs.recordings.tracepoints.Format
        as_event : str, optional
            Read it as the event of this name, for example ``"context"``: only who was running counts.

        Returns
        -------
        bool
            Whether its records are read from now on.
        """
        cdef plan_t plan
        fields = format.fields
        memset(&plan, 0, sizeof(plan_t))
        wanted = EVENTS.get(as_event or format.name, (CONTEXT, "", "", "", "", "", "", ""))
        if not 0 <= format.id < NR_IDS or "common_pid" not in fields or self.numbers[<size_t> format.id]:
            return False
        plan.kind = wanted[0]
        whole = [
            plan_field(&plan, &plan.tid, fields, "common_pid"),
            plan_field(&plan, &plan.pid, fields, wanted[1]),
            plan_field(&plan, &plan.prio, fields, wanted[2]),
            plan_field(&plan, &plan.name, fields, wanted[3]),
            plan_field(&plan, &plan.other, fields, wanted[4]),
            plan_field(&plan, &plan.other_prio, fields, wanted[5]),
            plan_field(&plan, &plan.other_name, fields, wanted[6]),
            plan_field(&plan, &plan.value, fields, wanted[7]),
        ]
        plan_field(&plan, &plan.flags, fields, "common_flags")
        if plan.kind in (WAKING, WAKEUP, WAKEUP_NEW):
            plan_field(&plan, &plan.success, fields, "success")
        if not all(whole):
            return False
        self.plans = <plan_t*> resized(self.plans, (self.nr_plans + 1) * sizeof(plan_t))
        self.plans[self.nr_plans] = plan
        self.nr_plans += 1
        self.numbers[<size_t> format.id] = <uint16_t> self.nr_plans
        self.names.append(format.name)
        return True

    cdef int kind_of(self, uint64_t id) noexcept nogil:
        # The kind of the events with this id; NO_FACT: they are nobody's.
        if id >= <uint64_t> NR_IDS or self.numbers[id] == 0:
            return NO_FACT
        return self.plans[self.numbers[id] - 1].kind

    cdef bint decode(self, bytes_t raw, size_t length, fact_t* fact) noexcept nogil:
        # False: the record is nobody's, or shorter than its own format says (I1).
        cdef uint16_t number
        cdef plan_t* plan
        cdef bint swap = self.is_swapped
        if length < 2:
            return False
        number = self.numbers[u16(raw, swap)]
        if number == 0:
            return False
        plan = &self.plans[number - 1]
        if length < plan.size:
            return False
        clear(fact)
        fact.event = number - 1
        fact.kind = plan.kind
        fact.tid = <int32_t> integer(raw, &plan.tid, swap, -1)
        fact.irq = irq_of_flags(integer(raw, &plan.flags, swap, 0)) if plan.flags.how else IRQ_UNKNOWN
        if plan.kind == CONTEXT:
            return True
        fact.pid = <int32_t> integer(raw, &plan.pid, swap, -1)
        fact.prio = <int32_t> integer(raw, &plan.prio, swap, NO_PRIO)
        fact.other = <int32_t> integer(raw, &plan.other, swap, -1)
        fact.other_prio = <int32_t> integer(raw, &plan.other_prio, swap, NO_PRIO)
        fact.value = integer(raw, &plan.value, swap, 0)
        fact.was_awake = integer(raw, &plan.success, swap, 1) == 0
        if plan.kind == SWITCHED:
            fact.out = out_of_state(&self.states, <uint64_t> fact.value)
        return text(raw, length, &plan.name, swap, &fact.name, &fact.name_length) and text(
            raw, length, &plan.other_name, swap, &fact.other_name, &fact.other_length
        )


cdef bint plan_field(plan_t* plan, field_t* place, fields, name):
    # False: the file has no such field, or one that cannot be read as what it should be.
    if name == "":
        return True
    field = fields.get(name)
    if field is None or field.at + field.size >= 1 << 16:
        return False
    if field.how != "text" and field.size not in (1, 2, 4, 8) or "loc" in field.how and field.size != 4:
        return False
    if (field.how == "integer") == name.endswith("comm"):
        return False
    place.at, place.size, place.is_signed = field.at, field.size, field.signed
    place.how = HOW[field.how]
    plan.size = max(plan.size, <uint16_t> (place.at + place.size))
    return True


cdef inline int64_t integer(bytes_t raw, const field_t* f, bint swap, int64_t absent) noexcept nogil:
    cdef bytes_t p = raw + f.at
    cdef uint32_t x
    if f.how != INTEGER:
        return absent
    if f.size == 4:
        x = u32(p, swap)
        return <int64_t> <int32_t> x if f.is_signed else <int64_t> x
    if f.size == 8:
        return <int64_t> u64(p, swap)
    if f.size == 2:
        return <int64_t> <int16_t> u16(p, swap) if f.is_signed else <int64_t> u16(p, swap)
    return <int64_t> <signed char> p[0] if f.is_signed else <int64_t> p[0]


cdef inline bint text(
    bytes_t raw, size_t length, const field_t* f, bint swap, const char** start, uint16_t* size
) noexcept nogil:
    cdef size_t at = f.at, room = f.size
    cdef uint32_t word
    cdef const void* end
    if f.how == ABSENT:
        return True
    if f.how != TEXT:
        word = u32(raw + at, swap)
        at = (word & 0xFFFF) + (at + 4 if f.how == REL_LOC else 0)
        room = word >> 16
        if at + room > length:
            return False
    end = memchr(raw + at, 0, room)
    start[0] = <const char*> raw + at
    size[0] = <uint16_t> (<bytes_t> end - (raw + at) if end != NULL else room)
    return True


cdef uint8_t irq_of_flags(uint64_t flags) noexcept nogil:
    # common_flags: 0x40 in an NMI, 0x08 in a hard interrupt, 0x10 in a soft one.
    if flags & 0x48:
        return IRQ_HARD
    return IRQ_SOFT if flags & 0x10 else IRQ_NONE


cdef uint8_t out_of_state(const states_t* states, uint64_t state) noexcept nogil:
    cdef uint64_t why = state & states.mask
    if why == 0 or state & states.preempted:
        return OUT_PREEMPTED
    if why & states.dead:
        return OUT_EXITED
    if why & states.uninterruptible:
        return OUT_BLOCKED | BLOCK_D
    return OUT_BLOCKED | BLOCK_I if why & states.idle else OUT_BLOCKED
