# Floor 5: what is due next, inline: timers that wake tasks, CPUs by the end of their work, and CPUs by their next tick.
#
#   timers      a heap ordered by (time, seq), seq the order in which they were set; a task has at most one
#   end_tree    CPUs by (time, number): a knockout tournament, each node has the earlier one of its two children
#   tick_set    the CPUs that tick, ordered by (number of their next tick, number of the CPU)
#
# These orders are total, so what comes first depends neither on how they were filled nor on the machine.
#
# A tick_set is no heap, because all CPUs tick at the same instants: the next tick of each is either the present instant or
# the one after it. So it is two sets of bits, one bit a CPU, and a tick moves a bit from the first to the second. In a heap each tick
# would sink from the top to the bottom, past branches that cannot be foreseen: 40 ns with 256 CPUs.
#
# Nor is an end_tree one, because the end of a CPU's work moves with nearly every event. In a tournament the way from the leaf
# to the top is always as long as the tree is high, and takes no branch that could be guessed wrong; in a heap such branches
# cost a third of an event with 256 CPUs. For the same reason, which of two timers comes first is no branch.
#
# Room is made beforehand (init_...): nothing here fails.

from libc.stdlib cimport calloc, free, malloc

from .._bits cimport lowest_bit
from .._hz cimport NEVER
from .._types cimport int32_t, ns_t, uint32_t, uint64_t


cdef struct timer:
    ns_t time
    uint64_t seq
    uint32_t task


cdef struct timers:
    timer *heap
    size_t nr
    uint64_t seq                # of the next


cdef struct end_tree:
    ns_t *time                  # of each CPU; NEVER: it has none
    int32_t *first              # 1 the top; children of i are 2i and 2i + 1; leaf of a CPU is leaves + cpu
    int32_t leaves              # a power of 2

# ---------------------------------------------------------------------------------------------------------- timers


cdef inline bint init_timers(timers *t, size_t most) noexcept:
    t.nr = t.seq = 0
    t.heap = <timer *>calloc(most, sizeof(timer))
    return t.heap != NULL


cdef inline bint timer_before(const timer *a, const timer *b) noexcept nogil:
    return (a.time < b.time) | (a.time == b.time) & (a.seq < b.seq)


cdef inline void climb(timers *t, size_t at, timer what) noexcept nogil:
    # there is a hole at `at`, below which `what` belongs nowhere
    cdef size_t parent
    while at:
        parent = (at - 1) >> 1
        if not timer_before(&what, &t.heap[parent]):
            break
        t.heap[at] = t.heap[parent]
        at = parent
    t.heap[at] = what


cdef inline void push_timer(timers *t, ns_t time, uint32_t task) noexcept nogil:
    cdef timer new
    new.time, new.seq, new.task = time, t.seq, task
    t.seq += 1
    t.nr += 1
    climb(t, t.nr - 1, new)


cdef inline uint32_t pop_timer(timers *t) noexcept nogil:
    # The hole goes down to a leaf, whatever the last one is, and that one climbs from there: it belongs near the leaves, so it
    # hardly ever climbs, and where the way ends can be foreseen.
    cdef uint32_t first = t.heap[0].task
    cdef timer last
    cdef size_t at = 0
    cdef size_t child = 1
    t.nr -= 1
    last = t.heap[t.nr]
    while child + 1 < t.nr:
        child += timer_before(&t.heap[child + 1], &t.heap[child])
        t.heap[at] = t.heap[child]
        at = child
        child = 2 * at + 1
    if child < t.nr:
        t.heap[at] = t.heap[child]
        at = child
    climb(t, at, last)
    return first

# ------------------------------------------------------------------------------------------------------------ CPUs


cdef inline bint init_end_tree(end_tree *e, int32_t nr_cpus) noexcept:
    cdef int32_t cpu
    e.leaves = 1
    while e.leaves < nr_cpus:
        e.leaves *= 2
    e.time = <ns_t *>malloc(e.leaves * sizeof(ns_t))
    e.first = <int32_t *>calloc(2 * e.leaves, sizeof(int32_t))
    if e.time == NULL or e.first == NULL:
        return False
    for cpu in range(e.leaves):
        e.time[cpu] = NEVER
        e.first[e.leaves + cpu] = cpu
    for cpu in range(e.leaves - 1, 0, -1):
        e.first[cpu] = e.first[2 * cpu]
    return True


cdef inline void free_end_tree(end_tree *e) noexcept:
    free(e.time)
    free(e.first)


cdef inline void put_end(end_tree *e, int32_t cpu, ns_t time) noexcept nogil:
    # NEVER: it has none. The games of this CPU are played again, from its leaf to the top
    cdef int32_t at = e.leaves + cpu
    cdef int32_t best = cpu
    cdef int32_t other
    cdef bint after
    if e.time[cpu] == time:
        return
    e.time[cpu] = time
    while at > 1:
        other = e.first[at ^ 1]
        after = (e.time[other] < e.time[best]) | (e.time[other] == e.time[best]) & (other < best)
        best ^= (best ^ other) & -<int32_t>after
        at >>= 1
        e.first[at] = best


cdef inline int32_t first_end(const end_tree *e) noexcept nogil:
    # the CPU of the earliest end; -1: there is none
    return e.first[1] if e.time[e.first[1]] != NEVER else -1

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
