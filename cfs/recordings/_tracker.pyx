"""From facts to the event table: who runs, who is queued, who sleeps, on which CPU, under which name.

What it decides: which facts say something new. A fact is what one line or record says, in the terms of
`_facts.pxd`; which format it comes from is not known here. The tracker knows of each task whether it runs, is
queued or sleeps, and so can tell which of the two events of a wakeup counts, and that an event in the context
of a task that nobody switched in means a switch without a record. What stays is the event table
(`_events.pxd`), a row a task and a row a name.

    fact            who runs at.cpu    what it means
    on_switch       `prev`             `next` runs from now on; `out` is why `prev` stopped
    on_switch_in    not known          `next` runs from now on; when the task before it stopped is not known
    on_waking       at.tid             first half of a wakeup: at.tid, or an interrupt, begins to wake `task`
    on_wakeup       at.tid             second half: `task` is runnable
    on_wakeup_new   at.tid             a new task is runnable
    on_fork         at.tid             `child` exists
    on_runtime      at.tid             `task` has run for `ran_ns`: if it is at.tid, it came that long ago
    on_mention      at.tid             `task` has this name (and this priority, if none was known)
    on_context      at.tid             nothing else; after the event of its exit a task goes on to its last switch
    on_gap          not known          who runs on at.cpu is not known until it is said or shows again
    on_group        as before          the fact before this one was seen while `tid` was in this control group
    on_loss                            events were lost, nobody knows where: they are counted
    on_loss_here    not known          events of a CPU, or of all, were lost since its last fact

Facts come in the order of time. A reader of several buffers merges them first.

S1  Times in the table never decrease, but for SWITCH events after a BACK. A fact that is earlier than the one
    before is taken at the time of that one, and counted (`nr_early`).
S2  A fact is taken whole, or nothing of it is: if its numbers cannot be, if there is no memory, and after
    `finish`. After any facts the table is sound.
S3  Memory grows with events, tasks, names and CPUs; never with the number of facts. A loss is an event of a CPU that
    had a fact since the last one, or a line that says no CPU would be one of each of 8192.
S4  A task runs on one CPU at most: if it turns up on a second one, its switch out of the first was not
    recorded.

Room for all that one fact may add is made before it is taken. So nothing below the facts can fail, and all of
it is `noexcept`; whether there was memory is asked once a block (`check_memory`).

Rejected: a table of all facts (three times the memory, and every reader would have to find out anew which half
of a wakeup counts).
"""

from cython cimport final
from cpython.mem cimport PyMem_RawFree, PyMem_RawRealloc
from libc.string cimport memcmp, memcpy, memset

import numpy as np

from ..errors import RecordingError
from ._events cimport *
from ._facts cimport NO_PRIO, moment_t, named_t

NUMBERS = {
    "GAP": GAP, "BACK": BACK, "SWITCH": SWITCH, "WAKE": WAKE, "FORK": FORK,
    "BLOCK_D": BLOCK_D, "BLOCK_I": BLOCK_I, "IRQ_UNKNOWN": IRQ_UNKNOWN, "IRQ_NONE": IRQ_NONE, "IRQ_HARD": IRQ_HARD,
    "CAUSED": CAUSED, "TIMER": TIMER, "OUTSIDE": OUTSIDE, "IDLE": IDLE, "NOBODY": NOBODY,
    "NR_CPUS_MAX": NR_CPUS_MAX,
}  # fmt: skip
"""What `_events.pxd` says, for Python."""

TASK_SEEN_DTYPE = np.dtype(
    [
        ("pid", "<i4"),
        ("parent", "<i4"),  # row, -1: it existed before
        ("name", "<i4"),  # index of the last name, -1: none was seen
        ("prio_first", "<i2"),  # -1: not known
        ("prio", "<i2"),  # the last
    ]
)

cdef enum:
    NAME_MAX = 64  # the kernel's names have 15 bytes at most
    NAMES_A_TASK_MAX = 32  # of a task that changes its name all the time the first ones and the last are kept

cdef enum:  # the most that one fact adds
    EVENTS_A_FACT_MAX = 8  # a switch: GAP, BACK, two PRIO, an inferred one, two that leave other CPUs, its own
    ROWS_A_FACT_MAX = 3  # a fork: context, parent, child
    NAMES_A_FACT_MAX = 2

cdef enum:
    CHARGES_MAX = 1 << 14  # kept; with ticks alone enough for a minute of a busy CPU
    ALONE_NS = 20000

cdef enum:  # what a task does
    UNSEEN = 0  # nothing is known yet; if it is woken, it slept
    NEW = 1  # forked, not yet runnable
    RUNNING = 2
    QUEUED = 3
    ASLEEP = 4
    DEAD = 5

cdef struct task_seen_t:
    int32_t pid
    int32_t parent
    int32_t name
    int16_t prio_first
    int16_t prio


@final
cdef class Tracker:
    """Turns facts into the event table; its buffer is the table, after `finish`.

    Compiled readers call the ``on_...`` functions of `_tracker.pxd`. The methods below do the same from Python, one
    call a fact. There a task is ``(name, pid)`` or ``(name, pid, prio)``, its name bytes or None, and `tid` is
    the thread that was running (-1: not known).

    Attributes
    ----------
    start_ns, end_ns : int
        Time of the first fact and, after `finish`, of the last; -1 if there is none.
    now_ns : int
        Time of the last fact.
    nr_switches : int
        Switches that were said, those of idle tasks included.
    inferred_switch_ins : int
        Switches to a task that were not said, but that later facts show.
    nr_wakings : int
        First halves of wakeups.
    nr_early : int
        Facts that were earlier than the one before (S1).
    nr_losses, nr_lost_events : int
        How often events were lost, and how many as far as is known.
    nr_wakeups, nr_runtimes : int
        Halves of wakeups, first or second; charges of CPU time.
    """

    def __cinit__(self):
        self.start_ns = self.end_ns = -1
        self.charges = <int64_t*> PyMem_RawRealloc(NULL, CHARGES_MAX * sizeof(int64_t))
        if self.charges == NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_RawFree(self.events)
        PyMem_RawFree(self.rows)
        PyMem_RawFree(self.cpus)
        PyMem_RawFree(self.names)
        PyMem_RawFree(self.namings)
        PyMem_RawFree(self.pid_slots)
        PyMem_RawFree(self.name_slots)
        PyMem_RawFree(self.charges)

    # ---- facts

    cdef bint on_switch(
        self, const moment_t* at, const named_t* prev, uint8_t out, const named_t* next
    ) noexcept nogil:
        cdef uint32_t p, n
        if not (is_pid(prev.pid) and is_pid(next.pid)) or (prev.pid == next.pid and prev.pid != 0):
            return False
        if not self.begin(at):
            return False
        p = self.live_row(prev.pid)
        n = self.live_row(next.pid)
        self.take_name(p, prev)
        self.take_name(n, next)
        self.see_running(at.cpu, p, 0)
        self.set_prio(at.cpu, p, prev.prio)
        self.leave_other_cpu(at.cpu, n)
        self.set_prio(at.cpu, n, next.prio)
        if p == IDLE:
            out = OUT_PREEMPTED
        self.emit(SWITCH, out, at.cpu, n, p)
        self.nr_switches += 1
        if p != IDLE:
            self.rows[p].state = state_after(out)
        self.put_on_cpu(at.cpu, n)
        return True

    cdef bint on_switch_in(self, const moment_t* at, const named_t* next) noexcept nogil:
        cdef uint32_t row, old
        if not is_pid(next.pid) or not self.begin(at):
            return False
        row = self.live_row(next.pid)
        self.take_name(row, next)
        self.leave_other_cpu(at.cpu, row)
        self.set_prio(at.cpu, row, next.prio)
        old = self.cpus[at.cpu].curr
        if old < NOBODY:
            self.emit(SWITCH, SWITCH_LOST | OUT_BLOCKED, at.cpu, row, old)
            self.rows[old].state = ASLEEP
        else:
            self.emit(SWITCH, OUT_PREEMPTED if old == IDLE else 0, at.cpu, row, old)
        self.nr_switches += 1
        self.put_on_cpu(at.cpu, row)
        return True

    cdef bint on_waking(self, const moment_t* at, const named_t* task) noexcept nogil:
        cdef uint32_t row = self.begin_mention(at, task)
        if row >= NOBODY:
            return row == IDLE
        cdef row_t* r = &self.rows[row]
        self.nr_wakings += 1
        self.nr_wakeups += 1
        if r.state == UNSEEN or r.state == ASLEEP:
            r.pending = -1
            self.emit(WAKE, at.irq, at.cpu, row, self.cpus[at.cpu].curr)
            r.state = QUEUED
        elif r.state != NEW:
            self.emit(EARLY, at.irq, at.cpu, row, self.cpus[at.cpu].curr)
            r.pending = self.nr_events - 1
        return True

    cdef bint on_wakeup(self, const moment_t* at, const named_t* task) noexcept nogil:
        # News only if the task was not asleep at the first half, or if there was none.
        cdef uint32_t row = self.begin_mention(at, task)
        if row >= NOBODY:
            return row == IDLE
        cdef row_t* r = &self.rows[row]
        cdef uint8_t irq = at.irq
        self.nr_wakeups += 1
        if r.state == UNSEEN or r.state == ASLEEP:
            if r.pending >= 0:
                self.take_pending(row)
                self.emit(READY, 0, at.cpu, row, NOBODY)
            else:
                irq = IRQ_REMOTE if self.nr_wakings else irq
                self.emit(WAKE, irq, at.cpu, row, self.cpus[at.cpu].curr)
            r.state = QUEUED
        elif r.state == RUNNING:
            r.pending = -1
        return True

    cdef bint on_wakeup_new(self, const moment_t* at, const named_t* task) noexcept nogil:
        cdef uint32_t row = self.begin_mention(at, task)
        if row >= NOBODY:
            return row == IDLE
        cdef row_t* r = &self.rows[row]
        cdef uint32_t context = self.cpus[at.cpu].curr
        if r.state == NEW or r.state == UNSEEN:
            if r.parent < 0 and context < NOBODY:
                r.parent = <int32_t> context
            if task.prio != NO_PRIO:
                r.prio = r.prio_first = clamped_prio(task.prio)
            self.emit(FORK, 0, at.cpu, row, context)
            r.state = QUEUED
        return True

    cdef bint on_fork(self, const moment_t* at, const named_t* parent, const named_t* child) noexcept nogil:
        cdef uint32_t parent_row, row
        if not is_pid(parent.pid) or not is_pid(child.pid) or child.pid == 0 or not self.begin(at):
            return False
        self.see_context(at, 0)
        parent_row = self.live_row(parent.pid)
        self.take_name(parent_row, parent)
        row = self.new_row(child.pid)
        self.rows[row].state = NEW
        if parent_row != IDLE:
            self.rows[row].parent = <int32_t> parent_row
        self.take_name(row, child)
        return True

    cdef bint on_runtime(self, const moment_t* at, const named_t* task, int64_t ran_ns) noexcept nogil:
        if not is_pid(task.pid) or ran_ns < 0 or not self.begin(at):
            return False
        self.nr_runtimes += 1
        if task.pid == at.tid:
            self.note_charge(at.cpu)
        self.see_context(at, ran_ns if task.pid == at.tid else 0)
        self.take_name(self.live_row(task.pid), task)
        return True

    cdef void note_charge(self, uint32_t cpu) noexcept nogil:
        # Alone on its CPU for a while: that may be a tick, when nothing else had a reason.
        if self.nr_charges < CHARGES_MAX and self.now_ns - self.cpus[cpu].last_ns >= ALONE_NS:
            self.charges[self.nr_charges] = self.now_ns
            self.nr_charges += 1

    cdef bint on_mention(self, const moment_t* at, const named_t* task) noexcept nogil:
        return self.begin_mention(at, task) != NOBODY

    cdef bint on_context(self, const moment_t* at) noexcept nogil:
        if not self.begin(at):
            return False
        self.see_context(at, 0)
        return True

    cdef bint on_gap(self, const moment_t* at) noexcept nogil:
        if not self.begin(at):
            return False
        self.vacate(at.cpu)
        self.cpus[at.cpu].last_ns = self.now_ns
        self.cpus[at.cpu].is_silent = False
        return True

    cdef void on_group(self, int64_t tid, uint64_t group) noexcept nogil:
        # The last one counts: a task moves into its group soon after its fork. A row is there if the fact was taken.
        cdef size_t slot
        if tid <= 0 or not self.nr_rows or self.is_finished:
            return
        slot = self.slot_of(<int32_t> tid)
        if self.pid_slots[slot]:
            self.rows[self.pid_slots[slot] - 1].group = group
            self.has_groups = True

    cdef void on_loss(self, int64_t nr) noexcept nogil:
        # `nr` is 0 if the recording does not say how many.
        self.nr_losses += 1
        self.nr_lost_events += max(nr, 0)

    cdef void on_loss_here(self, int64_t cpu, int64_t nr) noexcept nogil:
        # The place among the facts says when: the loss has no other time. `cpu` < 0: of any CPU.
        cdef size_t i
        self.on_loss(nr)
        if cpu >= 0:
            self.lose(<uint32_t> min(cpu, NR_CPUS_MAX))
            return
        for i in range(self.room_cpus):
            if self.cpus[i].seen:
                self.lose(<uint32_t> i)

    cdef bint begin(self, const moment_t* at) noexcept nogil:
        # S1, S2: there is room, and time goes on; else nothing of the fact is taken.
        if self.is_finished or at.time < 0 or at.cpu >= NR_CPUS_MAX:
            return False
        if not self.has_room(at.cpu) and not self.make_room(at.cpu):
            return False
        if self.start_ns < 0:
            self.start_ns = self.last_event_ns = self.now_ns = at.time
        elif at.time >= self.now_ns:
            self.now_ns = at.time
        else:
            self.nr_early += 1
        return True

    cdef uint32_t begin_mention(self, const moment_t* at, const named_t* task) noexcept nogil:
        # The row of a task that an event names; NOBODY if the fact is not taken.
        cdef uint32_t row
        if not is_pid(task.pid) or not self.begin(at):
            return NOBODY
        self.see_context(at, 0)
        row = self.live_row(task.pid)
        self.take_name(row, task)
        if row != IDLE and self.rows[row].prio < 0 and task.prio != NO_PRIO:
            self.rows[row].prio = self.rows[row].prio_first = clamped_prio(task.prio)
        return row

    # ---- who runs

    cdef void see_context(self, const moment_t* at, int64_t ran_ns) noexcept nogil:
        # An event names the task that is running: a switch that has no event of its own shows here.
        if at.tid >= 0:
            self.see_running(at.cpu, self.live_row(at.tid), ran_ns)
        self.cpus[at.cpu].last_ns = self.now_ns
        self.cpus[at.cpu].is_silent = False

    cdef void see_running(self, uint32_t cpu, uint32_t row, int64_t ran_ns) noexcept nogil:
        cdef cpu_t* c = &self.cpus[cpu]
        cdef uint8_t detail = SWITCH_INFERRED
        cdef uint32_t old = c.curr
        if c.seen and old == row:
            return
        self.leave_other_cpu(cpu, row)
        if not c.seen or c.is_lost:
            if c.seen:
                self.emit_long(BACK, cpu, min(ran_ns, self.now_ns - c.last_ns))
            self.emit(SWITCH, SWITCH_FIRST, cpu, row, NOBODY)
            self.put_on_cpu(cpu, row)
            return
        if old < NOBODY:
            detail |= SWITCH_LOST | OUT_BLOCKED
            self.rows[old].state = ASLEEP
        # If the event says how long the task has been running, it came that much earlier.
        self.emit_long(BACK, cpu, min(ran_ns, self.now_ns - c.last_ns))
        self.emit(SWITCH, detail, cpu, row, old)
        self.inferred_switch_ins += row != IDLE
        self.put_on_cpu(cpu, row)

    cdef void put_on_cpu(self, uint32_t cpu, uint32_t row) noexcept nogil:
        # `row` is the current task of the CPU from now on.
        cdef cpu_t* c = &self.cpus[cpu]
        c.seen = True
        c.is_lost = c.is_silent = False
        c.curr = row
        c.last_ns = self.now_ns
        self.take_pending(row)
        if row != IDLE:
            self.rows[row].state = RUNNING
            self.rows[row].cpu = cpu

    cdef void leave_other_cpu(self, uint32_t cpu, uint32_t row) noexcept nogil:
        # S4
        if row != IDLE and self.rows[row].state == RUNNING and self.rows[row].cpu != cpu:
            self.vacate(self.rows[row].cpu)

    cdef void vacate(self, uint32_t cpu) noexcept nogil:
        # Whoever ran there is gone, nobody knows since when, and who came is not known either.
        cdef uint32_t old = self.cpus[cpu].curr
        if old < NOBODY:
            self.emit(SWITCH, SWITCH_INFERRED | SWITCH_LOST | OUT_BLOCKED, cpu, NOBODY, old)
            self.rows[old].state = ASLEEP
        self.cpus[cpu].curr = NOBODY

    cdef void lose(self, uint32_t cpu) noexcept nogil:
        # Before the first fact nothing can be missed.
        if cpu >= NR_CPUS_MAX or self.start_ns < 0 or self.is_finished:
            return
        if not self.has_room(cpu) and not self.make_room(cpu):
            return
        if self.cpus[cpu].is_silent:  # S3
            return
        self.vacate(cpu)
        self.cpus[cpu].is_lost = self.cpus[cpu].is_silent = True
        self.emit(LOSS, 0, cpu, NOBODY, NOBODY)

    cdef void take_pending(self, uint32_t row) noexcept nogil:
        # A task that fell asleep after a wakeup, and runs without another one, did not sleep really.
        if row == IDLE:
            return
        if self.rows[row].pending >= 0 and self.rows[row].state == ASLEEP:
            self.events[self.rows[row].pending].kind = TAKEN
        self.rows[row].pending = -1

    cdef void set_prio(self, uint32_t cpu, uint32_t row, int64_t prio) noexcept nogil:
        cdef int16_t now
        if row == IDLE or prio == NO_PRIO:
            return
        now = clamped_prio(prio)
        if self.rows[row].prio == now:
            return
        if self.rows[row].prio < 0:
            self.rows[row].prio_first = now
        else:
            self.emit(PRIO, 0, cpu, row, <uint32_t> now)
        self.rows[row].prio = now

    # ---- the tables

    cdef void emit(self, uint8_t kind, uint8_t detail, uint32_t cpu, uint32_t task, uint32_t context) noexcept nogil:
        cdef int64_t delta = self.now_ns - self.last_event_ns
        cdef event_t* e
        self.last_event_ns = self.now_ns
        if delta > DELTA_MAX:
            self.emit_long(GAP, cpu, delta)
            delta = 0
        e = &self.events[self.nr_events]
        e.delta = <uint32_t> delta
        e.task = task
        e.context = context
        e.cpu = <uint16_t> cpu
        e.kind = kind
        e.detail = detail
        self.nr_events += 1

    cdef void emit_long(self, uint8_t kind, uint32_t cpu, int64_t ns) noexcept nogil:
        self.emit(kind, 0, cpu, <uint32_t> ns, <uint32_t> (<uint64_t> ns >> 32))

    cdef uint32_t live_row(self, int64_t pid) noexcept nogil:
        # The row of the task that has this pid now. One that has ended and turns up again is somebody else.
        cdef size_t slot
        if pid == 0:
            return IDLE
        slot = self.slot_of(<int32_t> pid)
        if self.pid_slots[slot] and self.rows[self.pid_slots[slot] - 1].state != DEAD:
            return self.pid_slots[slot] - 1
        return self.new_row(pid)

    cdef uint32_t new_row(self, int64_t pid) noexcept nogil:
        cdef row_t* row = &self.rows[self.nr_rows]
        memset(row, 0, sizeof(row_t))
        row.pid = <int32_t> pid
        row.parent = row.prio = row.prio_first = -1
        row.pending = -1
        row.name = NOBODY
        self.nr_rows += 1
        self.pid_slots[self.slot_of(row.pid)] = <uint32_t> self.nr_rows
        return <uint32_t> self.nr_rows - 1

    cdef size_t slot_of(self, int32_t pid) noexcept nogil:
        cdef size_t mask = self.room_pids - 1
        cdef size_t slot = (<uint32_t> pid * <uint32_t> 2654435761) & mask
        while self.pid_slots[slot] and self.rows[self.pid_slots[slot] - 1].pid != pid:
            slot = (slot + 1) & mask
        return slot

    cdef void take_name(self, uint32_t row, const named_t* task) noexcept nogil:
        # Names change at exec and by prctl; nearly every event repeats the one known.
        cdef size_t length
        cdef uint32_t known, index
        if row == IDLE or task.name == NULL:
            return
        length = min(task.end - task.name, NAME_MAX - 1)
        known = self.rows[row].name
        if known != NOBODY and self.is_name(known, task.name, length):
            return
        if length == 5 and memcmp(task.name, b"<...>", 5) == 0:  # the tracer's word for a name that it does not know
            return
        index = self.name_index(task.name, length)
        self.rows[row].name = index
        if self.rows[row].nr_names < NAMES_A_TASK_MAX:
            self.rows[row].nr_names += 1
            self.note_naming(row, index)

    cdef void note_naming(self, uint32_t row, uint32_t name) noexcept nogil:
        self.namings[self.nr_namings].row = row
        self.namings[self.nr_namings].name = name
        self.nr_namings += 1

    cdef bint is_name(self, uint32_t index, const char* name, size_t length) noexcept nogil:
        cdef char* known = self.names + <size_t> index * NAME_MAX
        return <size_t> known[0] == length and memcmp(known + 1, name, length) == 0

    cdef uint32_t name_index(self, const char* name, size_t length) noexcept nogil:
        cdef size_t slot = self.name_slot(name, length)
        cdef char* place
        if self.name_slots[slot]:
            return self.name_slots[slot] - 1
        place = self.names + self.nr_texts * NAME_MAX
        place[0] = <char> length
        memcpy(place + 1, name, length)
        self.nr_texts += 1
        self.name_slots[slot] = <uint32_t> self.nr_texts
        return <uint32_t> self.nr_texts - 1

    cdef size_t name_slot(self, const char* name, size_t length) noexcept nogil:
        cdef size_t mask = self.room_name_slots - 1
        cdef size_t i, slot
        cdef uint32_t code = 2166136261
        for i in range(length):
            code = (code ^ <unsigned char> name[i]) * <uint32_t> 16777619
        slot = code & mask
        while self.name_slots[slot] and not self.is_name(self.name_slots[slot] - 1, name, length):
            slot = (slot + 1) & mask
        return slot

    cdef void forget_interrupts(self) noexcept nogil:
        # The format's flags turned out to say nothing: wakeups are as those of a format without flags.
        cdef size_t i
        cdef event_t* e
        for i in range(self.nr_events):
            e = &self.events[i]
            if EARLY >= e.kind >= WAKE or e.kind == TAKEN:
                if e.detail != IRQ_REMOTE:
                    e.detail = IRQ_UNKNOWN

    # ---- room

    cdef bint has_room(self, uint32_t cpu) noexcept nogil:
        return (
            self.nr_events + EVENTS_A_FACT_MAX <= self.room_events
            and self.nr_rows + ROWS_A_FACT_MAX <= self.room_rows
            and self.nr_texts + NAMES_A_FACT_MAX <= self.room_names
            and self.nr_namings + NAMES_A_FACT_MAX <= self.room_namings
            and cpu < self.room_cpus
        )

    cdef bint make_room(self, uint32_t cpu) noexcept nogil:
        cdef bint is_there = True
        if self.nr_events + EVENTS_A_FACT_MAX > self.room_events:
            # An eighth more: at the end nearly nothing is spare, and `realloc` moves pages, not bytes.
            is_there = enlarge(
                <void**> &self.events, &self.room_events, self.room_events // 8 + 1024, sizeof(event_t)
            )
        if self.nr_rows + ROWS_A_FACT_MAX > self.room_rows:
            is_there = self.make_room_for_rows() and is_there
        if self.nr_texts + NAMES_A_FACT_MAX > self.room_names:
            is_there = self.make_room_for_names() and is_there
        if self.nr_namings + NAMES_A_FACT_MAX > self.room_namings:
            is_there = enlarge(
                <void**> &self.namings, &self.room_namings, self.room_namings // 2 + 64, sizeof(naming_t)
            ) and is_there
        if cpu >= self.room_cpus:
            is_there = self.make_room_for_cpu(cpu) and is_there
        if not is_there:
            self.is_out_of_memory = True
        return is_there

    cdef bint make_room_for_rows(self) noexcept nogil:
        # Slots first: there are always twice as many as rows.
        cdef size_t i, more = self.room_rows // 2 + 64
        if not double_slots(&self.pid_slots, &self.room_pids, 2 * (self.room_rows + more)):
            return False
        for i in range(self.nr_rows):  # of one pid the last row wins
            self.pid_slots[self.slot_of(self.rows[i].pid)] = <uint32_t> i + 1
        return enlarge(<void**> &self.rows, &self.room_rows, more, sizeof(row_t))

    cdef bint make_room_for_names(self) noexcept nogil:
        cdef size_t i, more = self.room_names // 2 + 64
        cdef const char* name
        if not double_slots(&self.name_slots, &self.room_name_slots, 2 * (self.room_names + more)):
            return False
        for i in range(self.nr_texts):
            name = self.names + i * NAME_MAX
            self.name_slots[self.name_slot(name + 1, <size_t> name[0])] = <uint32_t> i + 1
        return enlarge(<void**> &self.names, &self.room_names, more, NAME_MAX)

    cdef bint make_room_for_cpu(self, uint32_t cpu) noexcept nogil:
        cdef size_t old = self.room_cpus
        if not enlarge(<void**> &self.cpus, &self.room_cpus, cpu + 1 - old, sizeof(cpu_t)):
            return False
        memset(self.cpus + old, 0, (self.room_cpus - old) * sizeof(cpu_t))
        for old in range(old, self.room_cpus):
            self.cpus[old].curr = NOBODY
        return True

    cdef int check_memory(self) except -1:
        if self.is_out_of_memory:
            raise MemoryError(f"no memory for more than {self.nr_events} events of {self.nr_rows} tasks")
        return 0

    # ---- facts from Python

    def switch(self, int64_t time_ns, uint32_t cpu, tuple prev not None, uint8_t out, tuple next not None):
        """`prev` goes, and why (OUT_* and BLOCK_* of `_events.pxd`); `next` comes."""
        cdef moment_t at = moment_t(time_ns, cpu, -1, 0)
        cdef named_t p = named(prev), n = named(next)
        self.require("a switch", self.on_switch(&at, &p, out, &n), time_ns, cpu)

    def switch_in(self, int64_t time_ns, uint32_t cpu, tuple next not None):
        """`next` comes; who went, and when, is not known."""
        cdef moment_t at = moment_t(time_ns, cpu, -1, 0)
        cdef named_t n = named(next)
        self.require("a switch", self.on_switch_in(&at, &n), time_ns, cpu)

    def waking(self, int64_t time_ns, uint32_t cpu, tuple task not None, int32_t tid=-1, uint8_t irq=0):
        """The first half of a wakeup, in the context of `tid` or (IRQ_*) of an interrupt."""
        cdef moment_t at = moment_t(time_ns, cpu, tid, irq)
        cdef named_t t = named(task)
        self.require("a waking", self.on_waking(&at, &t), time_ns, cpu)

    def wakeup(self, int64_t time_ns, uint32_t cpu, tuple task not None, int32_t tid=-1, uint8_t irq=0):
        """The second half of a wakeup: `task` is runnable."""
        cdef moment_t at = moment_t(time_ns, cpu, tid, irq)
        cdef named_t t = named(task)
        self.require("a wakeup", self.on_wakeup(&at, &t), time_ns, cpu)

    def wakeup_new(self, int64_t time_ns, uint32_t cpu, tuple task not None, int32_t tid=-1):
        """A new task is runnable."""
        cdef moment_t at = moment_t(time_ns, cpu, tid, 0)
        cdef named_t t = named(task)
        self.require("a wakeup", self.on_wakeup_new(&at, &t), time_ns, cpu)

    def fork(self, int64_t time_ns, uint32_t cpu, tuple parent not None, tuple child not None, int32_t tid=-1):
        """`child` exists."""
        cdef moment_t at = moment_t(time_ns, cpu, tid, 0)
        cdef named_t p = named(parent), c = named(child)
        self.require("a fork", self.on_fork(&at, &p, &c), time_ns, cpu)

    def runtime(self, int64_t time_ns, uint32_t cpu, tuple task not None, int64_t ran_ns, int32_t tid=-1):
        """`task` has been running for `ran_ns`."""
        cdef moment_t at = moment_t(time_ns, cpu, tid, 0)
        cdef named_t t = named(task)
        self.require("a runtime", self.on_runtime(&at, &t, ran_ns), time_ns, cpu)

    def mention(self, int64_t time_ns, uint32_t cpu, tuple task not None, int32_t tid=-1):
        """`task` has this name, and this priority if none was known."""
        cdef moment_t at = moment_t(time_ns, cpu, tid, 0)
        cdef named_t t = named(task)
        self.require("a name", self.on_mention(&at, &t), time_ns, cpu)

    def context(self, int64_t time_ns, uint32_t cpu, int32_t tid=-1):
        """Something happened while `tid` was running."""
        cdef moment_t at = moment_t(time_ns, cpu, tid, 0)
        self.require("an event", self.on_context(&at), time_ns, cpu)

    def gap(self, int64_t time_ns, uint32_t cpu):
        """Who runs on this CPU is not known from here on."""
        cdef moment_t at = moment_t(time_ns, cpu, -1, 0)
        self.require("a gap", self.on_gap(&at), time_ns, cpu)

    def group(self, int64_t tid, uint64_t group):
        """At the fact before this one `tid` was in the control group of this number."""
        self.on_group(tid, group)

    def loss(self, int64_t nr=0):
        """Events were lost, nobody knows where; `nr` of them if that is known."""
        self.on_loss(nr)

    def loss_here(self, int64_t cpu=-1, int64_t nr=0):
        """Events of a CPU (-1: of any) were lost between its last fact and its next one."""
        self.on_loss_here(cpu, nr)
        self.check_memory()

    cdef int require(self, str what, bint is_taken, int64_t time_ns, uint32_t cpu) except -1:
        self.check_memory()
        if not is_taken and self.is_finished:
            raise RecordingError(f"{what} after finish()")
        if not is_taken:
            raise RecordingError(
                f"{what} at {time_ns} ns on CPU {cpu} cannot be: times and pids are not negative, CPUs are below "
                f"{NR_CPUS_MAX}, and a switch or a fork has two different tasks"
            )
        return 0

    # ---- answers

    def finish(self):
        """No more facts: the table can be read, and spare memory is given back."""
        self.check_memory()
        if self.is_finished:
            return
        self.is_finished = True
        self.end_ns = self.now_ns if self.start_ns >= 0 else -1
        trim(<void**> &self.events, &self.room_events, self.nr_events, sizeof(event_t))
        trim(<void**> &self.rows, &self.room_rows, self.nr_rows, sizeof(row_t))
        PyMem_RawFree(self.pid_slots)
        PyMem_RawFree(self.name_slots)
        self.pid_slots = self.name_slots = NULL

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        if not self.is_finished:
            raise BufferError("the table is complete after finish()")
        buffer.buf = self.events if self.nr_events else &self.none
        buffer.obj = self
        buffer.len = self.nr_events * sizeof(event_t)
        buffer.readonly = True
        buffer.itemsize = 1
        buffer.format = NULL
        buffer.ndim = 1
        buffer.shape = NULL
        buffer.strides = NULL
        buffer.suboffsets = NULL
        buffer.internal = NULL

    @property
    def nr_tasks(self):
        """Tasks seen."""
        return self.nr_rows

    def cpus_seen(self):
        """The CPUs in whose context something happened, in ascending order."""
        return [cpu for cpu in range(self.room_cpus) if self.cpus[cpu].seen]

    def names_seen(self):
        """All names as str, bytes that are not UTF-8 as surrogates."""
        cdef size_t i
        cdef char* name
        names = []
        for i in range(self.nr_texts):
            name = self.names + i * NAME_MAX
            names.append(name[1 : 1 + name[0]].decode("utf-8", "surrogateescape"))
        return names

    def tasks_seen(self):
        """The tasks in the order of first sight: ``(nr_tasks,)`` of `TASK_SEEN_DTYPE`."""
        table = np.zeros(self.nr_rows, TASK_SEEN_DTYPE)
        cdef task_seen_t[::1] out = table
        cdef size_t i
        for i in range(self.nr_rows):
            out[i].pid = self.rows[i].pid
            out[i].parent = self.rows[i].parent
            out[i].name = -1 if self.rows[i].name == NOBODY else <int32_t> self.rows[i].name
            out[i].prio_first = self.rows[i].prio_first
            out[i].prio = self.rows[i].prio
        return table

    def groups_seen(self):
        """Number of the control group in which each task was last, 0: not known; empty if it is known of none."""
        cdef size_t i
        return [self.rows[i].group for i in range(self.nr_rows)] if self.has_groups else []

    def namings_seen(self):
        """A pair (row, index of the name) for each time that a task took a name, in order."""
        return [(self.namings[i].row, self.namings[i].name) for i in range(self.nr_namings)]

    def charges_seen(self):
        """Times of the first charges of CPU time that came alone, ``(nr_charges,) int64``, ns of the clock."""
        table = np.zeros(self.nr_charges, np.int64)
        cdef int64_t[::1] out = table
        cdef size_t i
        for i in range(self.nr_charges):
            out[i] = self.charges[i]
        return table

    def namings_table(self):
        """The same as an array, ``(nr_namings, 2) int64``."""
        table = np.zeros((self.nr_namings, 2), np.int64)
        cdef int64_t[:, ::1] out = table
        cdef size_t i
        for i in range(self.nr_namings):
            out[i, 0] = self.namings[i].row
            out[i, 1] = self.namings[i].name
        return table


cdef bint enlarge(void** block, size_t* room, size_t more, size_t size) noexcept nogil:
    cdef void* place = PyMem_RawRealloc(block[0], (room[0] + more) * size)
    if place == NULL:
        return False
    block[0] = place
    room[0] += more
    return True


cdef void trim(void** block, size_t* room, size_t nr, size_t size) noexcept nogil:
    cdef void* place = PyMem_RawRealloc(block[0], nr * size) if nr else NULL
    if place != NULL:
        block[0] = place
        room[0] = nr


cdef bint double_slots(uint32_t** slots, size_t* room, size_t wanted) noexcept nogil:
    # Empty slots, a power of two of them; the old ones are lost.
    cdef size_t larger = max(room[0], 128)
    cdef void* place
    while larger < wanted:
        larger *= 2
    place = PyMem_RawRealloc(slots[0], larger * sizeof(uint32_t))
    if place == NULL:
        return False
    slots[0] = <uint32_t*> place
    room[0] = larger
    memset(place, 0, larger * sizeof(uint32_t))
    return True


cdef named_t named(tuple task) except *:
    # The name lives as long as `task` does.
    cdef named_t n
    cdef bytes name = task[0]
    n.name = NULL
    n.end = NULL
    if name is not None:
        n.name = name
        n.end = n.name + len(name)
    n.pid = task[1]
    n.prio = task[2] if len(task) > 2 else <int64_t> NO_PRIO
    return n


cdef inline bint is_pid(int64_t pid) noexcept nogil:
    return 0 <= pid <= 0x7FFFFFFF


cdef inline int16_t clamped_prio(int64_t prio) noexcept nogil:
    # A deadline task has -1: real-time, as far as a fair class is concerned.
    return <int16_t> min(max(prio, 0), 139)


cdef inline uint8_t state_after(uint8_t out) noexcept nogil:
    if out & OUT_MASK == OUT_PREEMPTED:
        return QUEUED
    return DEAD if out & OUT_MASK == OUT_EXITED else ASLEEP
