"""The scheduler's events of a Perfetto trace, in order of time, as facts.

What it decides: how bundles of ftrace events are read, and who is inferred to have run. Perfetto writes the
events of a CPU in bundles, which follow each other in the file in the order of time; a first pass over the
packets notes where the bundles of each CPU are, a second reads them CPU by CPU through a heap.

In the compact form a switch says only who comes. Who goes is who came at the switch before on that CPU, and so
is who wakes. That is wrong without a word where a switch was not recorded, so it is checked: a task cannot be
switched to itself, the idle task does not sleep, and it wakes others only from interrupts. Where the check
fails, who went and who woke since the switch before are unknown.

    I1  Facts come in order of time if the bundles of each CPU do; at the same time by CPU. An event whose time is
        long after those around it is left out: it would put all later ones of its CPU after those of the others. So
        is what is long after the next two bundles: in the compact form a wrong time moves all that follow.
    I2  No byte outside of a message is read (`_varint.pxd`), and each step moves forward.
    I3  What is inferred is checked before it is handed on; of what fails the check nothing is said.
    I4  Memory grows with the number of bundles, and with what one bundle of each CPU holds.

Rejected: the classes of the package `perfetto` (an object an event: 5 us, and ten times the file in memory).
"""

from cython cimport final
from cpython.mem cimport PyMem_RawFree
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memmove, memset

from ._events cimport IRQ_UNKNOWN, NR_CPUS_MAX
from ._facts cimport TIME_MAX, jumps
from ._heap cimport heap_pop, heap_push, heap_settle, heap_t
from ._memory cimport resized
from ._plan cimport Plans, bytes_t, irq_of_flags, is_big_host, out_of_state
from ._sink cimport *
from ._varint cimport *

cdef enum:  # fields of a packet
    FTRACE_EVENTS = 1
    SEQUENCE = 10
    TRACE_CONFIG = 33
    FTRACE_STATS = 34
    DROPPED = 42
    SYSTEM_INFO = 45
    COMPRESSED = 50
    COMPRESSED_ZSTD = 133

cdef enum:  # fields of an event
    F_SWITCH = 4
    F_WAKEUP = 17
    F_WAKING = 20
    F_WAKEUP_NEW = 114
    F_NEWTASK = 235
    F_RENAME = 236
    F_EXEC = 237
    F_EXIT = 238
    F_FORK = 239
    F_GENERIC = 327
    F_MIGRATE = 491

cdef enum:  # arrays of the compact form, by field
    SWITCH_TIME = 1
    SWITCH_STATE = 2
    SWITCH_PID = 3
    SWITCH_PRIO = 4
    INTERNED = 5
    SWITCH_NAME = 6
    WAKING_TIME = 7
    WAKING_PID = 8
    WAKING_CPU = 9
    WAKING_PRIO = 10
    WAKING_NAME = 11
    WAKING_FLAGS = 12
    NR_ARRAYS = 13

cdef enum:
    BUNDLE_BYTES_MAX = 1 << 24
    SEGMENT_MAX = 1 << 16  # events after the last switch that wait for the next one
    NR_VALUES = 8
    INTERRUPTED = 0x58  # flags of an event in an interrupt
    NO_FLAGS = 0xFFFFFFFF
    COMM_BYTES = 15
    NONE = 0xFFFFFFFF

NAMES = {
    4: "sched_switch", 17: "sched_wakeup", 18: "sched_blocked_reason", 20: "sched_waking", 114: "sched_wakeup_new",
    235: "task_newtask", 236: "task_rename", 237: "sched_process_exec", 238: "sched_process_exit",
    239: "sched_process_fork", 240: "sched_process_free", 241: "sched_process_hang", 242: "sched_process_wait",
    327: "sched_stat_runtime", 353: "sched_pi_setprio", 491: "sched_migrate_task",
}  # fmt: skip

cdef struct bundle_t:
    bytes_t start
    bytes_t end
    int64_t offset_ns  # to be added to its times
    int64_t first_ns  # the time of its first event; -1: there is none
    uint32_t cpu
    uint32_t next  # of the same CPU; NONE: it is the last
    uint32_t drops  # packets that had been dropped before it
    bint is_after_loss
    uint8_t clock

cdef struct text_t:
    bytes_t start
    uint16_t length

cdef struct array_t:
    int64_t* items
    size_t nr, room

cdef struct facts_t:
    fact_t* items
    size_t nr, room

cdef struct cursor_t:  # what one CPU has to say
    uint32_t cpu
    uint32_t bundle  # the next one
    uint32_t drops
    int32_t curr  # who runs; -1: not known
    int32_t newborn  # the child of the last fork
    facts_t facts
    size_t at  # the fact at hand
    size_t ready  # those before need no more checks
    size_t segment  # the first fact after the last switch


@final
cdef class Bundles:
    """All bundles of a trace.

    Parameters
    ----------
    plans : Plans
        Only what the bits of prev_state mean is used of it.
    sink : Sink

    Attributes
    ----------
    nr_bundles, nr_events, nr_damaged, nr_jumps, nr_gaps, nr_losses, nr_drops : int
        Bundles; events of the scheduler; bundles and compact parts that are damaged; events long after those around
        them; contradictions in what was inferred; times that the kernel's buffer overran; packets dropped.
    clocks : set of int
        The clocks of the bundles, as Perfetto numbers them.
    """

    cdef Plans plans
    cdef Sink sink
    cdef bint swap
    cdef list kept
    cdef bundle_t* bundles
    cdef size_t room_bundles
    cdef uint32_t* first_of_cpu
    cdef uint32_t* last_of_cpu
    cdef uint32_t nr_cpus
    cdef cursor_t* cursors
    cdef size_t nr_cursors
    cdef int64_t* times
    cdef heap_t heap
    cdef array_t arrays[NR_ARRAYS]
    cdef text_t* interned
    cdef size_t nr_interned, room_interned
    cdef facts_t events, switches, wakings  # of the bundle that is being read
    cdef unsigned char is_sequence_seen[8192]
    cdef readonly set clocks
    cdef readonly size_t nr_bundles, nr_events, nr_damaged, nr_jumps, nr_gaps, nr_losses, nr_drops

    def __cinit__(self, Plans plans, Sink sink):
        self.plans, self.sink = plans, sink
        self.swap = is_big_host()
        self.kept, self.clocks = [], set()
        self.first_of_cpu = <uint32_t*> resized(NULL, NR_CPUS_MAX * sizeof(uint32_t))
        self.last_of_cpu = <uint32_t*> resized(NULL, NR_CPUS_MAX * sizeof(uint32_t))
        memset(self.first_of_cpu, 0xFF, NR_CPUS_MAX * sizeof(uint32_t))
        memset(self.last_of_cpu, 0xFF, NR_CPUS_MAX * sizeof(uint32_t))

    def __dealloc__(self):
        cdef size_t i
        PyMem_RawFree(self.bundles)
        PyMem_RawFree(self.first_of_cpu)
        PyMem_RawFree(self.last_of_cpu)
        for i in range(self.nr_cursors):
            PyMem_RawFree(self.cursors[i].facts.items)
        PyMem_RawFree(self.cursors)
        PyMem_RawFree(self.times)
        PyMem_RawFree(self.heap.items)
        for i in range(NR_ARRAYS):
            PyMem_RawFree(self.arrays[i].items)
        PyMem_RawFree(self.interned)
        PyMem_RawFree(self.events.items)
        PyMem_RawFree(self.switches.items)
        PyMem_RawFree(self.wakings.items)

    # ---- packets

    def index(self, const unsigned char[::1] data, on_part):
        """Note the bundles in some packets.

        Parameters
        ----------
        data : bytes-like
            Packets; it must not change until this object is gone.
        on_part : callable
            Called as ``on_part(field, start, end)`` for other parts of packets that say something.

        Returns
        -------
        int
            The number of bytes of whole packets.
        """
        cdef bytes_t start, p, end, stop
        cdef wire_t packet, part
        if data.shape[0] == 0:
            return 0
        self.kept.append(data)
        start = p = &data[0]
        end = p + data.shape[0]
        while p < end:
            stop = next_field(p, end, &packet, self.swap)
            if stop == NULL or packet.number != 1 or packet.start == NULL:
                break
            self.read_packet(packet.start, packet.end, start, on_part)
            p = stop
        return p - start

    cdef int read_packet(self, bytes_t p, bytes_t end, bytes_t base, on_part) except -1:
        cdef wire_t f
        cdef uint64_t sequence = 0, dropped = 0
        cdef bytes_t bundle = NULL, bundle_end = NULL
        while p < end:
            p = next_field(p, end, &f, self.swap)
            if p == NULL:
                self.nr_damaged += 1
                break
            if f.number == FTRACE_EVENTS and f.start != NULL:
                bundle, bundle_end = f.start, f.end
            elif f.number == SEQUENCE:
                sequence = f.value
            elif f.number == DROPPED:
                dropped = f.value
            elif f.start != NULL and f.number in (
                TRACE_CONFIG, FTRACE_STATS, SYSTEM_INFO, COMPRESSED, COMPRESSED_ZSTD
            ):
                on_part(f.number, f.start - base, f.end - base)
        self.note_drop(sequence & 0xFFFF, dropped & 1)
        if bundle != NULL:
            self.note_bundle(bundle, bundle_end)
        return 0

    cdef void note_drop(self, uint64_t sequence, bint is_dropped) noexcept nogil:
        # The first packet of a sequence says so too, and nothing was lost there.
        cdef unsigned char* seen = &self.is_sequence_seen[sequence // 8]
        if is_dropped and seen[0] >> (sequence % 8) & 1:
            self.nr_drops += 1
        seen[0] |= <unsigned char> (1 << (sequence % 8))

    cdef int note_bundle(self, bytes_t start, bytes_t end) except -1:
        cdef bundle_t b
        memset(&b, 0, sizeof(b))
        b.start, b.end, b.next, b.drops = start, end, NONE, <uint32_t> self.nr_drops
        if end - start > BUNDLE_BYTES_MAX or not read_bundle(start, end, &b, self.swap) or b.cpu >= NR_CPUS_MAX:
            self.nr_damaged += 1
            return 0
        if self.nr_bundles == self.room_bundles:
            self.room_bundles += self.room_bundles // 2 + 256
            self.bundles = <bundle_t*> resized(self.bundles, self.room_bundles * sizeof(bundle_t))
        self.bundles[self.nr_bundles] = b
        if self.last_of_cpu[b.cpu] == NONE:
            self.first_of_cpu[b.cpu] = <uint32_t> self.nr_bundles
        else:
            self.bundles[self.last_of_cpu[b.cpu]].next = <uint32_t> self.nr_bundles
        self.last_of_cpu[b.cpu] = <uint32_t> self.nr_bundles
        self.nr_cpus = max(self.nr_cpus, b.cpu + 1)
        self.nr_bundles += 1
        self.clocks.add(b.clock)
        return 0

    # ---- all CPUs

    def read(self, progress):
        """Hand on all events.

        Parameters
        ----------
        progress : callable
            Called with the number of events read, now and then.
        """
        cdef size_t i
        self.make_cursors()
        for i in range(self.nr_cursors):
            if self.next_fact(i):
                heap_push(&self.heap, <uint32_t> i)
        while self.heap.nr:
            with nogil:
                self.read_some()
            progress(self.nr_events)

    cdef int make_cursors(self) except -1:
        cdef uint32_t cpu
        cdef cursor_t* c
        cpus = [cpu for cpu in range(self.nr_cpus) if self.first_of_cpu[cpu] != NONE]
        self.cursors = <cursor_t*> resized(NULL, (len(cpus) + 1) * sizeof(cursor_t))
        self.times = <int64_t*> resized(NULL, (len(cpus) + 1) * sizeof(int64_t))
        self.heap.items = <uint32_t*> resized(NULL, (len(cpus) + 1) * sizeof(uint32_t))
        self.heap.times = self.times
        for cpu in cpus:
            c = &self.cursors[self.nr_cursors]
            memset(c, 0, sizeof(cursor_t))
            c.cpu, c.bundle, c.curr, c.newborn = cpu, self.first_of_cpu[cpu], -1, -1
            self.nr_cursors += 1
        return 0

    cdef int read_some(self) except -1 nogil:
        cdef int i
        cdef cursor_t* c
        for i in range(1000):
            if self.heap.nr == 0:
                return 0
            c = &self.cursors[self.heap.items[0]]
            self.emit(&c.facts.items[c.at])
            c.at += 1
            if self.next_fact(self.heap.items[0]):
                heap_settle(&self.heap)
            else:
                heap_pop(&self.heap)
        return 0

    cdef int emit(self, fact_t* fact) except -1 nogil:
        self.nr_events += fact.kind != MISSING
        return self.sink.take(fact)

    cdef bint next_fact(self, size_t i) except -1 nogil:
        # Whether the CPU has one more; bundles are read until what waits has been checked.
        cdef cursor_t* c = &self.cursors[i]
        while c.at == c.ready:
            if c.bundle == NONE:
                if c.ready == c.facts.nr:
                    return False
                c.ready = c.facts.nr
            else:
                self.read_next(c)
        self.times[i] = c.facts.items[c.at].time
        return True

    cdef int read_next(self, cursor_t* c) except -1 nogil:
        cdef bundle_t* b = &self.bundles[c.bundle]
        cdef size_t old
        if c.at:
            memmove(c.facts.items, c.facts.items + c.at, (c.facts.nr - c.at) * sizeof(fact_t))
        c.facts.nr -= c.at
        c.segment -= min(c.segment, c.at)
        c.at = 0
        c.bundle = b.next
        self.decode(b)
        old = c.facts.nr
        if b.is_after_loss or b.drops != c.drops:
            self.lose(c, b)
        self.merge_into(c)
        self.infer(c, old)
        c.ready = c.segment if c.facts.nr - c.segment < SEGMENT_MAX else c.facts.nr
        return 0

    cdef int lose(self, cursor_t* c, bundle_t* b) except -1 nogil:
        # The kernel or Perfetto lost something before this bundle: who runs is not known any more.
        cdef fact_t* fact
        c.drops = b.drops
        c.curr = -1
        self.nr_losses += 1
        if self.events.nr + self.switches.nr + self.wakings.nr:
            fact = new_fact(&c.facts)
            clear(fact)
            fact.kind = MISSING
            fact.cpu = <int32_t> c.cpu
            fact.time = self.earliest()
        return 0

    cdef int64_t earliest(self) noexcept nogil:
        cdef int64_t time = TIME_MAX
        if self.events.nr:
            time = self.events.items[0].time
        if self.switches.nr:
            time = min(time, self.switches.items[0].time)
        if self.wakings.nr:
            time = min(time, self.wakings.items[0].time)
        return time

    cdef int merge_into(self, cursor_t* c) except -1 nogil:
        # The three lists of a bundle, each in order of time, become one.
        cdef size_t e = 0, s = 0, w = 0
        cdef const fact_t* first
        cdef fact_t* place
        while True:
            first = NULL
            if e < self.events.nr:
                first = &self.events.items[e]
            if s < self.switches.nr and (first == NULL or self.switches.items[s].time < first.time):
                first = &self.switches.items[s]
            if w < self.wakings.nr and (first == NULL or self.wakings.items[w].time < first.time):
                first = &self.wakings.items[w]
            if first == NULL:
                return 0
            place = new_fact(&c.facts)
            place[0] = first[0]
            place.cpu = <int32_t> c.cpu
            e += e < self.events.nr and first == &self.events.items[e]
            s += s < self.switches.nr and first == &self.switches.items[s]
            w += w < self.wakings.nr and first == &self.wakings.items[w]

    # ---- who runs

    cdef void infer(self, cursor_t* c, size_t i) noexcept nogil:
        # From the i-th fact on. A fact of the compact form is one whose `tid` is not said.
        cdef fact_t* fact
        while i < c.facts.nr:
            fact = &c.facts.items[i]
            if fact.kind == MISSING:
                c.segment = i
            elif fact.kind == SWITCHED:
                if fact.tid < 0:
                    self.infer_switch(c, fact, i)
                c.curr = fact.other
                c.segment = i + 1
            elif fact.tid >= 0:
                c.curr = fact.tid
            elif fact.kind == WAKING:
                self.infer_waker(c, fact)
            if fact.kind == FORKED:
                self.infer_fork(c, fact)
            i += 1

    cdef void infer_switch(self, cursor_t* c, fact_t* fact, size_t i) noexcept nogil:
        # I3
        cdef size_t j
        if c.curr >= 0 and c.curr != fact.other and not (c.curr == 0 and fact.value != 0):
            fact.pid = fact.tid = c.curr
            fact.is_inferred = True
            return
        if c.curr < 0:
            return
        self.nr_gaps += 1
        for j in range(c.segment, i):
            if c.facts.items[j].is_inferred:
                c.facts.items[j].tid = -1

    cdef void infer_waker(self, cursor_t* c, fact_t* fact) noexcept nogil:
        # `value` holds the flags here.
        fact.tid = c.curr
        fact.is_inferred = True
        if c.curr == 0 and fact.value != NO_FLAGS and not fact.value & INTERRUPTED:
            fact.tid = -1

    cdef void infer_fork(self, cursor_t* c, fact_t* fact) noexcept nogil:
        # task_newtask and sched_process_fork say the same; the second of them says nothing new.
        if fact.other == c.newborn:
            fact.kind = CONTEXT
        c.newborn = fact.other

    # ---- one bundle

    cdef int decode(self, const bundle_t* b) except -1 nogil:
        cdef bytes_t p = b.start
        cdef wire_t f
        self.events.nr = self.switches.nr = self.wakings.nr = 0
        while p < b.end:
            p = next_field(p, b.end, &f, self.swap)
            if p == NULL:
                self.nr_damaged += 1
                break
            if f.number == 2 and f.start != NULL:
                self.decode_event(f.start, f.end, b.offset_ns)
            elif f.number == 4 and f.start != NULL:
                self.decode_compact(f.start, f.end, b.offset_ns)
        self.nr_jumps += remove_jumps(&self.events)
        self.remove_late(b)
        return 0

    cdef void remove_late(self, const bundle_t* b) noexcept nogil:
        # What follows of that CPU comes after a loss then.
        cdef bundle_t* next
        cdef int64_t first_ns
        cdef size_t nr
        if b.next == NONE:
            return
        next = &self.bundles[b.next]
        first_ns = next.first_ns
        if next.next != NONE:
            first_ns = max(first_ns, self.bundles[next.next].first_ns)
        if first_ns < 0:
            return
        nr = cut_after(&self.events, first_ns) + cut_after(&self.switches, first_ns)
        nr += cut_after(&self.wakings, first_ns)
        self.nr_jumps += nr
        next.is_after_loss = next.is_after_loss or nr != 0

    cdef int decode_event(self, bytes_t p, bytes_t end, int64_t offset) except -1 nogil:
        cdef wire_t f
        cdef uint64_t time = 0, flags = NO_FLAGS
        cdef int32_t tid = -1
        cdef uint32_t number = 0
        cdef bytes_t body = NULL, body_end = NULL
        cdef fact_t* fact
        while p < end:
            p = next_field(p, end, &f, self.swap)
            if p == NULL:
                self.nr_damaged += 1
                return 0
            if f.number == 1:
                time = f.value
            elif f.number == 2:
                tid = <int32_t> f.value
            elif f.number == 5:
                flags = f.value
            elif f.start != NULL:
                number, body, body_end = f.number, f.start, f.end
        if body == NULL or event_kind(number) == NO_FACT or time > <uint64_t> TIME_MAX:
            return 0
        fact = new_fact(&self.events)
        clear(fact)
        fact.time = shifted(time, offset)
        fact.tid = max(tid, 0)  # a number that is left out is 0
        fact.irq = IRQ_UNKNOWN if flags == NO_FLAGS else irq_of_flags(flags)
        fact.event = <uint16_t> number
        if not self.decode_body(fact, number, body, body_end):
            self.events.nr -= 1
        return 0

    cdef bint decode_body(self, fact_t* fact, uint32_t number, bytes_t p, bytes_t end) noexcept nogil:
        cdef int64_t value[NR_VALUES]
        cdef text_t text[NR_VALUES]
        cdef wire_t f
        if number == F_GENERIC:
            return decode_generic(fact, p, end, self.swap)
        memset(value, 0, sizeof(value))
        memset(text, 0, sizeof(text))
        while p < end:
            p = next_field(p, end, &f, self.swap)
            if p == NULL:
                self.nr_damaged += 1
                return False
            if f.number < NR_VALUES:
                value[f.number] = <int64_t> f.value
                text[f.number] = text_t(f.start, <uint16_t> min(f.end - f.start, 0xFFFF) if f.start != NULL else 0)
        fact.kind = event_kind(number)
        fill(fact, number, value, text)
        if fact.kind == SWITCHED:
            fact.out = out_of_state(&self.plans.states, <uint64_t> fact.value)
        return True

    cdef int decode_compact(self, bytes_t p, bytes_t end, int64_t offset) except -1 nogil:
        cdef wire_t f
        cdef size_t i
        for i in range(NR_ARRAYS):
            self.arrays[i].nr = 0
        self.nr_interned = 0
        while p < end:
            p = next_field(p, end, &f, self.swap)
            if p == NULL:
                self.nr_damaged += 1
                return 0
            if f.number == INTERNED and f.start != NULL:
                self.intern(f.start, f.end)
            elif f.number < NR_ARRAYS and not append(&self.arrays[f.number], &f):
                self.nr_damaged += 1
                return 0
        if self.are_parallel(SWITCH_TIME, SWITCH_STATE, SWITCH_PID, SWITCH_PRIO, SWITCH_NAME):
            self.decode_switches(offset)
        if self.are_parallel(WAKING_TIME, WAKING_PID, WAKING_CPU, WAKING_PRIO, WAKING_NAME):
            self.decode_wakings(offset)
        return 0

    cdef bint are_parallel(self, int a, int b, int c, int d, int e) noexcept nogil:
        cdef size_t nr = self.arrays[a].nr
        if nr == self.arrays[b].nr == self.arrays[c].nr == self.arrays[d].nr == self.arrays[e].nr:
            return True
        self.nr_damaged += 1
        return False

    cdef int decode_switches(self, int64_t offset) except -1 nogil:
        cdef size_t i
        cdef uint64_t time = 0
        cdef fact_t* fact
        for i in range(self.arrays[SWITCH_TIME].nr):
            time += <uint64_t> self.arrays[SWITCH_TIME].items[i]
            if time > <uint64_t> TIME_MAX:
                self.nr_damaged += 1
                return 0
            fact = new_fact(&self.switches)
            clear(fact)
            fact.time = shifted(time, offset)
            fact.kind = SWITCHED
            fact.event = F_SWITCH
            fact.value = self.arrays[SWITCH_STATE].items[i]
            fact.out = out_of_state(&self.plans.states, <uint64_t> fact.value)
            fact.other = <int32_t> self.arrays[SWITCH_PID].items[i]
            fact.other_prio = <int32_t> self.arrays[SWITCH_PRIO].items[i]
            self.name(self.arrays[SWITCH_NAME].items[i], &fact.other_name, &fact.other_length)
        return 0

    cdef int decode_wakings(self, int64_t offset) except -1 nogil:
        cdef size_t i
        cdef uint64_t time = 0
        cdef bint has_flags = self.arrays[WAKING_FLAGS].nr == self.arrays[WAKING_TIME].nr
        cdef fact_t* fact
        for i in range(self.arrays[WAKING_TIME].nr):
            time += <uint64_t> self.arrays[WAKING_TIME].items[i]
            if time > <uint64_t> TIME_MAX:
                self.nr_damaged += 1
                return 0
            fact = new_fact(&self.wakings)
            clear(fact)
            fact.time = shifted(time, offset)
            fact.kind = WAKING
            fact.event = F_WAKING
            fact.value = self.arrays[WAKING_FLAGS].items[i] if has_flags else NO_FLAGS
            fact.irq = irq_of_flags(<uint64_t> fact.value) if has_flags else IRQ_UNKNOWN
            fact.pid = <int32_t> self.arrays[WAKING_PID].items[i]
            fact.other = <int32_t> self.arrays[WAKING_CPU].items[i]
            fact.prio = <int32_t> self.arrays[WAKING_PRIO].items[i]
            self.name(self.arrays[WAKING_NAME].items[i], &fact.name, &fact.name_length)
        return 0

    cdef int intern(self, bytes_t start, bytes_t end) except -1 nogil:
        if self.nr_interned == self.room_interned:
            self.room_interned += self.room_interned // 2 + 64
            self.interned = <text_t*> resized(self.interned, self.room_interned * sizeof(text_t))
        self.interned[self.nr_interned] = text_t(start, <uint16_t> min(end - start, 0xFFFF))
        self.nr_interned += 1
        return 0

    cdef void name(self, int64_t index, const char** start, uint16_t* length) noexcept nogil:
        if 0 <= index and <size_t> index < self.nr_interned:
            start[0] = <const char*> self.interned[index].start
            length[0] = self.interned[index].length


cdef size_t remove_jumps(facts_t* facts) noexcept nogil:
    # How many facts are long after both neighbours, or at the beginning after the next two.
    cdef size_t i, to = 0, nr = facts.nr
    cdef const fact_t* f = facts.items
    if nr < 3:
        return 0
    for i in range(nr):
        if i + 1 < nr and jumps(f[i].time, f[i + 1].time) and jumps(f[i].time, f[to - 1 if to else 2].time):
            continue
        if to < i:
            facts.items[to] = facts.items[i]
        to += 1
    facts.nr = to
    return nr - to


cdef size_t cut_after(facts_t* facts, int64_t first_ns) noexcept nogil:
    cdef size_t nr = facts.nr
    while facts.nr and jumps(facts.items[facts.nr - 1].time, first_ns):
        facts.nr -= 1
    return nr - facts.nr


# ---- messages

cdef bint read_bundle(bytes_t p, bytes_t end, bundle_t* b, bint swap) noexcept nogil:
    # All but the events. False: it is no message.
    cdef wire_t f
    cdef int64_t ftrace_ns = 0, boot_ns = 0, first = -1
    while p < end:
        p = next_field(p, end, &f, swap)
        if p == NULL:
            return False
        if f.number == 1:
            b.cpu = <uint32_t> min(f.value, <uint64_t> NONE)
        elif f.start != NULL and (f.number == 2 or f.number == 4):
            if first < 0:
                first = first_time(f.start, f.end, f.number == 4, swap)
        elif f.number == 3 or f.number == 8:
            b.is_after_loss = b.is_after_loss or f.number == 8 or f.value != 0
        elif f.number == 5:
            b.clock = <uint8_t> min(f.value, 255)
        elif f.number == 6:
            ftrace_ns = <int64_t> f.value
        elif f.number == 7:
            boot_ns = <int64_t> f.value
    if boot_ns and b.clock:
        b.offset_ns = boot_ns - ftrace_ns
        b.clock = 0
    b.first_ns = shifted(<uint64_t> first, b.offset_ns) if first >= 0 else -1
    return True


cdef int64_t first_time(bytes_t p, bytes_t end, bint is_compact, bint swap) noexcept nogil:
    # Of an event, or of the switches and wakings of the compact form; -1: it has none that can be.
    cdef wire_t f
    cdef uint64_t time = 0
    while p < end:
        p = next_field(p, end, &f, swap)
        if p == NULL:
            return -1
        if f.number == 1 or (is_compact and f.number == WAKING_TIME):
            time = f.value
            if f.start != NULL and varint(f.start, f.end, &time) == NULL:
                continue
            return <int64_t> time if time <= <uint64_t> TIME_MAX else -1
    return -1


cdef inline int64_t shifted(uint64_t time, int64_t offset) noexcept nogil:
    cdef int64_t moved = <int64_t> time + offset
    return min(max(moved, 0), TIME_MAX)


cdef inline uint8_t event_kind(uint32_t number) noexcept nogil:
    # By the field of the event.
    if number == F_SWITCH:
        return SWITCHED
    if number == F_WAKING:
        return WAKING
    if number == F_WAKEUP:
        return WAKEUP
    if number == F_WAKEUP_NEW:
        return WAKEUP_NEW
    if number == F_NEWTASK or number == F_FORK:
        return FORKED
    if number == F_RENAME or number == F_EXEC:
        return RENAMED
    if number == F_EXIT:
        return EXITED
    if number == F_MIGRATE:
        return MIGRATED
    if number == F_GENERIC:
        return RAN
    return CONTEXT if number in (18, 240, 241, 242, 353) else NO_FACT


cdef void fill(fact_t* fact, uint32_t number, const int64_t* value, const text_t* text) noexcept nogil:
    # From the numbered fields of the message to the parts of the fact.
    if number == F_SWITCH:
        fact.pid, fact.prio, fact.value = <int32_t> value[2], <int32_t> value[3], value[4]
        fact.other, fact.other_prio = <int32_t> value[6], <int32_t> value[7]
        set_name(fact, &text[1])
        set_other_name(fact, &text[5])
    elif number in (F_WAKEUP, F_WAKING, F_WAKEUP_NEW):
        fact.pid, fact.prio, fact.other = <int32_t> value[2], <int32_t> value[3], <int32_t> value[5]
        set_name(fact, &text[1])
    elif number == F_FORK:
        fact.pid, fact.other = <int32_t> value[2], <int32_t> value[4]
        set_name(fact, &text[1])
        set_other_name(fact, &text[3])
    elif number == F_NEWTASK:
        fact.pid, fact.other = fact.tid, <int32_t> value[1]
        set_other_name(fact, &text[2])
    elif number == F_RENAME:
        fact.pid = <int32_t> value[1]
        set_name(fact, &text[3])
    elif number == F_EXEC:
        fact.pid = <int32_t> value[2]
        set_name(fact, &text[1])
        cut_to_comm(fact)
    elif number == F_EXIT:
        fact.pid, fact.prio = <int32_t> value[2], <int32_t> value[4]
        set_name(fact, &text[1])
    elif number == F_MIGRATE:
        fact.pid, fact.prio = <int32_t> value[2], <int32_t> value[3]
        fact.other, fact.other_prio = <int32_t> value[4], <int32_t> value[5]
        set_name(fact, &text[1])


cdef inline void set_name(fact_t* fact, const text_t* text) noexcept nogil:
    fact.name, fact.name_length = <const char*> text.start, text.length


cdef inline void set_other_name(fact_t* fact, const text_t* text) noexcept nogil:
    fact.other_name, fact.other_length = <const char*> text.start, text.length


cdef void cut_to_comm(fact_t* fact) noexcept nogil:
    # The name that a task takes at exec: the file's without folders, 15 bytes of it.
    cdef size_t i = fact.name_length
    while i and fact.name[i - 1] != c"/":
        i -= 1
    fact.name += i
    fact.name_length = <uint16_t> min(fact.name_length - i, COMM_BYTES)


cdef bint decode_generic(fact_t* fact, bytes_t p, bytes_t end, bint swap) noexcept nogil:
    # An event that Perfetto has no message for; of them sched_stat_runtime is of use, and of the scheduler's others
    # who was running.
    cdef wire_t f
    fact.kind = NO_FACT
    while p < end:
        p = next_field(p, end, &f, swap)
        if p == NULL:
            return False
        if f.number == 1 and f.start != NULL:
            if is_text(&f, b"sched_stat_runtime", 18):
                fact.kind = RAN
            elif f.end - f.start > 6 and memcmp(f.start, b"sched_", 6) == 0:
                fact.kind = CONTEXT
        elif f.number == 2 and f.start != NULL:
            decode_generic_field(fact, f.start, f.end, swap)
    return fact.kind != NO_FACT


cdef void decode_generic_field(fact_t* fact, bytes_t p, bytes_t end, bint swap) noexcept nogil:
    cdef wire_t f, name, text
    cdef uint64_t value = 0
    memset(&name, 0, sizeof(name))
    memset(&text, 0, sizeof(text))
    while p < end:
        p = next_field(p, end, &f, swap)
        if p == NULL:
            return
        if f.number == 1:
            name = f
        elif f.number == 3:
            text = f
        else:
            value = f.value
    if name.start == NULL:
        return
    if is_text(&name, b"pid", 3):
        fact.pid = <int32_t> value
    elif is_text(&name, b"runtime", 7):
        fact.value = <int64_t> value
    elif is_text(&name, b"comm", 4) and text.start != NULL:
        fact.name, fact.name_length = <const char*> text.start, <uint16_t> min(text.end - text.start, 0xFFFF)


cdef inline bint is_text(const wire_t* f, const char* text, int length) noexcept nogil:
    return f.end - f.start == length and memcmp(f.start, text, length) == 0


# ---- memory

cdef fact_t* new_fact(facts_t* facts) except NULL nogil:
    if facts.nr == facts.room:
        facts.room += facts.room // 2 + 256
        facts.items = <fact_t*> resized(facts.items, facts.room * sizeof(fact_t))
    facts.nr += 1
    return &facts.items[facts.nr - 1]


cdef bint append(array_t* array, const wire_t* f) except -1 nogil:
    # A packed array, or one value of one that is not. False: it is damaged.
    cdef bytes_t p = f.start
    cdef uint64_t value = f.value
    cdef size_t more = f.end - f.start if f.start != NULL else 1
    if array.nr + more > array.room:
        array.room = array.nr + more + array.room // 2
        array.items = <int64_t*> resized(array.items, array.room * sizeof(int64_t))
    if p == NULL:
        array.items[array.nr] = <int64_t> value
        array.nr += 1
        return True
    while p < f.end:
        p = varint(p, f.end, &value)
        if p == NULL:
            return False
        array.items[array.nr] = <int64_t> value
        array.nr += 1
    return True
