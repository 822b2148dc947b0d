# Floor 5: what is due next, inline: timers that wake tasks, CPUs by the time of something, and CPUs by their next tick.
#
#   timers      a heap ordered by (time, seq), seq the order in which they were set; a task has at most one
#   cpu_heap    a heap ordered by (time, number of the CPU); a CPU is in it once or not at all, can be moved and taken out
#   tick_set    the CPUs that tick, ordered by (number of their next tick, number of the CPU)
#
# These orders are total, so what comes first depends neither on how they were filled nor on the machine.
#
# A tick_set is no heap, because all CPUs tick at the same instants: the next tick of each is either the present instant or
# the one after it. So it is two sets of bits, one bit a CPU, and a tick moves a bit from the first to the second. In a heap each tick
# would sink from the top to the bottom, past branches that cannot be foreseen: 40 ns with 256 CPUs.
#
# Which of two children comes first is no branch: nobody could foresee it, and with 256 CPUs that costs a third of an event.
#
# Room is made beforehand (init_...): nothing here fails.

from libc.stdlib cimport calloc, free

from .._bits cimport lowest_bit
from .._types cimport int32_t, ns_t, uint32_t, uint64_t


cdef struct timer:
    ns_t time
    uint64_t seq
    uint32_t task


cdef struct timers:
    timer *heap
    size_t nr
    uint64_t seq                # of the next


cdef struct due_cpu:
    ns_t time
    int32_t cpu


cdef struct cpu_heap:
    due_cpu *heap
    int32_t *place              # of each CPU, counted from 1; 0: not in it
    int32_t nr

# ---------------------------------------------------------------------------------------------------------- timers


cdef inline bint init_timers(timers *t, size_t most) noexcept:
    t.nr = t.seq = 0
    t.heap = <timer *>calloc(most, sizeof(timer))
    return t.heap != NULL


cdef inline bint timer_before(const timer *a, const timer *b) noexcept nogil:
    return (a.time < b.time) | (a.time == b.time) & (a.seq < b.seq)


cdef inline void push_timer(timers *t, ns_t time, uint32_t task) noexcept nogil:
    cdef size_t at = t.nr
    cdef size_t parent
    cdef timer new
    new.time, new.seq, new.task = time, t.seq, task
    t.seq += 1
    t.nr += 1
    while at:
        parent = (at - 1) >> 1
        if not timer_before(&new, &t.heap[parent]):
            break
        t.heap[at] = t.heap[parent]
        at = parent
    t.heap[at] = new


cdef inline uint32_t pop_timer(timers *t) noexcept nogil:
    cdef uint32_t first = t.heap[0].task
    cdef timer last
    cdef size_t at = 0
    cdef size_t child
    t.nr -= 1
    last = t.heap[t.nr]
    while True:
        child = 2 * at + 1
        if child >= t.nr:
            break
        if child + 1 < t.nr:
            child += timer_before(&t.heap[child + 1], &t.heap[child])
        if not timer_before(&t.heap[child], &last):
            break
        t.heap[at] = t.heap[child]
        at = child
    t.heap[at] = last
    return first

# ------------------------------------------------------------------------------------------------------------ CPUs


cdef inline bint init_cpu_heap(cpu_heap *h, int32_t nr_cpus) noexcept:
    h.nr = 0
    h.heap = <due_cpu *>calloc(nr_cpus, sizeof(due_cpu))
    h.place = <int32_t *>calloc(nr_cpus, sizeof(int32_t))
    return h.heap != NULL and h.place != NULL


cdef inline void free_cpu_heap(cpu_heap *h) noexcept:
    free(h.heap)
    free(h.place)


cdef inline bint cpu_before(const due_cpu *a, const due_cpu *b) noexcept nogil:
    return (a.time < b.time) | (a.time == b.time) & (a.cpu < b.cpu)


cdef inline void lay(cpu_heap *h, int32_t at, due_cpu what) noexcept nogil:
    h.heap[at] = what
    h.place[what.cpu] = at + 1


cdef inline void settle(cpu_heap *h, int32_t at, due_cpu what) noexcept nogil:
    # there is a hole at `at`: find the place for `what`, upwards or else downwards
    cdef int32_t next = (at - 1) >> 1
    while at and cpu_before(&what, &h.heap[next]):
        lay(h, at, h.heap[next])
        at = next
        next = (at - 1) >> 1
    while True:
        next = 2 * at + 1
        if next + 1 < h.nr:
            next += cpu_before(&h.heap[next + 1], &h.heap[next])
        if next >= h.nr or not cpu_before(&h.heap[next], &what):
            break
        lay(h, at, h.heap[next])
        at = next
    lay(h, at, what)


cdef inline void put_cpu(cpu_heap *h, int32_t cpu, ns_t time) noexcept nogil:
    # into the heap, or to another place in it
    cdef due_cpu what
    cdef int32_t at = h.place[cpu] - 1
    what.time, what.cpu = time, cpu
    if at < 0:
        at = h.nr
        h.nr += 1
    settle(h, at, what)


cdef inline void take_cpu(cpu_heap *h, int32_t cpu) noexcept nogil:
    # out of it, if it is there
    cdef int32_t at = h.place[cpu] - 1
    if at < 0:
        return
    h.place[cpu] = 0
    h.nr -= 1
    if at < h.nr:
        settle(h, at, h.heap[h.nr])


cdef inline void unnumber(cpu_heap *h) noexcept nogil:
    # before what lies in the heap is put back to what it was
    cdef int32_t at
    for at in range(h.nr):
        h.place[h.heap[at].cpu] = 0


cdef inline void renumber(cpu_heap *h) noexcept nogil:
    # after it
    cdef int32_t at
    for at in range(h.nr):
        h.place[h.heap[at].cpu] = at + 1

# ----------------------------------------------------------------------------------------------------------- ticks


cdef struct cpu_set:            # those whose next tick has one number
    uint64_t *bits              # bit cpu % 64 of word cpu // 64
    int32_t low                 # no bit is set in a word before this one
    int32_t nr


cdef struct tick_set:
    cpu_set present             # empty only if `coming` is
    cpu_set coming
    uint64_t number             # of the next tick of those in `present`; of those in `coming` it is one more
    int32_t nr_words


cdef inline bint init_tick_set(tick_set *t, int32_t nr_cpus) noexcept:
    t.nr_words = (nr_cpus + 63) // 64
    t.present.bits = <uint64_t *>calloc(t.nr_words, sizeof(uint64_t))
    t.coming.bits = <uint64_t *>calloc(t.nr_words, sizeof(uint64_t))
    return t.present.bits != NULL and t.coming.bits != NULL


cdef inline void free_tick_set(tick_set *t) noexcept:
    free(t.present.bits)
    free(t.coming.bits)


cdef inline bint has_cpu(const cpu_set *s, int32_t cpu) noexcept nogil:
    return s.bits[cpu >> 6] >> (cpu & 63) & 1


cdef inline void add_cpu(cpu_set *s, int32_t cpu) noexcept nogil:
    s.bits[cpu >> 6] |= <uint64_t>1 << (cpu & 63)
    s.low = min(s.low, cpu >> 6) if s.nr else cpu >> 6
    s.nr += 1


cdef inline void drop_cpu(cpu_set *s, int32_t cpu) noexcept nogil:
    s.bits[cpu >> 6] &= ~(<uint64_t>1 << (cpu & 63))
    s.nr -= 1


cdef inline int32_t first_cpu(cpu_set *s) noexcept nogil:
    # of a set that is not empty
    while s.bits[s.low] == 0:
        s.low += 1
    return s.low * 64 + lowest_bit(s.bits[s.low])


cdef inline void turn_over(tick_set *t) noexcept nogil:
    # nobody is left of this instant: the next one is the present one
    cdef cpu_set done
    if t.present.nr == 0 and t.coming.nr:
        done = t.present
        t.present, t.coming = t.coming, done
        t.number += 1


cdef inline void put_tick(tick_set *t, int32_t cpu, uint64_t number) noexcept nogil:
    # of a CPU that is not there yet; `number` is that of the first tick after now
    if t.present.nr == 0:
        t.number = number
    add_cpu(&t.present if number == t.number else &t.coming, cpu)


cdef inline void take_tick(tick_set *t, int32_t cpu) noexcept nogil:
    # of one that is there
    drop_cpu(&t.present if has_cpu(&t.present, cpu) else &t.coming, cpu)
    turn_over(t)


cdef inline void pass_tick(tick_set *t, int32_t cpu) noexcept nogil:
    # of one in `present`: its next tick is one later
    drop_cpu(&t.present, cpu)
    add_cpu(&t.coming, cpu)
    turn_over(t)
