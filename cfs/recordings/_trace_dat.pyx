"""The pages of a trace.dat file, in order of time, as facts.

What it decides: how the kernel's ring buffer is read. Each CPU has pages of its own, in order of time: a page
begins with its time and its length, and holds entries, each with the ns since the one before. The CPUs are
merged by a heap of cursors, so nothing is kept but the place in each CPU's pages, and a compressed file is
unpacked a chunk at a time.

    I1  Facts come in order of time if the pages of each CPU do; at the same time by CPU, then by buffer, which is
        the order of the cursors.
    I2  No byte outside of a page is read: an entry is checked against the page's data, and that against the page.
    I3  A page that is damaged ends there; the next page is read, and the loss is told. A time that is long after
        those of the next two pages is damage: it would put all pages of its CPU after those of the others.

Rejected: reading all entries and sorting them (24 bytes an event, and they are sorted but for the CPUs).
"""

from cython cimport final
from cpython.mem cimport PyMem_RawFree
from libc.string cimport memset

from ._facts cimport JUMP_NS_MIN, TIME_MAX
from ._heap cimport heap_pop, heap_push, heap_settle, heap_t
from ._memory cimport resized
from ._plan cimport *
from ._sink cimport *

cdef enum:  # types of entries; 1 ... 28: a length of so many words
    LONG = 0
    WORDS_MAX = 28
    PADDING = 29
    EXTEND = 30
    ABSOLUTE = 31

cdef extern from *:
    """
    #define CFS_TOP_BITS 0xF800000000000000ull
    """
    const uint64_t TOP_BITS "CFS_TOP_BITS"  # what an absolute time of 59 bits leaves out

cdef enum:
    COMMIT_MASK = 0x7FFFFFF
    NO_LOSS = -1

cdef struct cursor_t:  # a place in the pages of one CPU of one buffer
    bytes_t page  # the next page
    bytes_t end  # of the pages at hand
    bytes_t p  # the next entry
    bytes_t stop  # of the entries of this page
    bytes_t raw  # the event at hand
    size_t length
    size_t page_size
    uint64_t now  # on the clock of the file
    uint64_t before  # that of the event before
    int64_t time  # the same in ns
    int64_t lost  # how many events are lost before it, 0: not said, -1: none
    uint32_t cpu, buffer
    size_t nr_pages


@final
cdef class Rings:
    """The pages of all CPUs.

    Parameters
    ----------
    plans : Plans
    sink : Sink
    byteorder : {"little", "big"}
    commit_size, data_at : int
        Bytes of a page's length, and where its entries begin.

    Attributes
    ----------
    nr_entries, nr_short, nr_damaged : int
        Entries; those shorter than their format; damaged pages.
    damage : str
        Where the first damaged page is.
    nr_lost : int
        Events lost, as far as the pages say.
    """

    cdef Plans plans
    cdef Sink sink
    cdef bint is_big, swap
    cdef size_t commit_size, data_at
    cdef uint64_t mult
    cdef int shift
    cdef cursor_t* cursors
    cdef size_t nr_cursors
    cdef list makers, pages, held  # for each cursor: what makes its pages, they, the ones at hand
    cdef int64_t* times  # of the events at hand
    cdef heap_t heap
    cdef unsigned char* wanted  # for each buffer and plan
    cdef size_t nr_buffers, nr_pages
    cdef readonly size_t nr_entries, nr_short, nr_damaged
    cdef readonly int64_t nr_lost
    cdef readonly str damage

    def __cinit__(self, Plans plans, Sink sink, byteorder, commit_size, data_at):
        self.plans, self.sink = plans, sink
        self.is_big = byteorder == "big"
        self.swap = self.is_big != is_big_host()
        self.commit_size, self.data_at = commit_size, data_at
        self.mult = 1
        self.makers = []
        self.damage = ""

    def __dealloc__(self):
        PyMem_RawFree(self.cursors)
        PyMem_RawFree(self.heap.items)
        PyMem_RawFree(self.times)
        PyMem_RawFree(self.wanted)

    def add_cpu(self, uint32_t buffer, uint32_t cpu, size_t page_size, pages):
        """The pages of one CPU of one buffer; in ascending order of CPU, then of buffer.

        Parameters
        ----------
        buffer, cpu, page_size : int
        pages : callable
            Returns an iterator over bytes-like objects, each of them whole pages.
        """
        cdef cursor_t c
        memset(&c, 0, sizeof(c))
        c.buffer, c.cpu, c.page_size = buffer, cpu, page_size
        self.cursors = <cursor_t*> resized(self.cursors, (self.nr_cursors + 1) * sizeof(cursor_t))
        self.cursors[self.nr_cursors] = c
        self.nr_cursors += 1
        self.nr_buffers = max(self.nr_buffers, buffer + 1)
        self.makers.append(pages)

    def scale(self, uint64_t mult, int shift):
        """ns = time * mult >> shift; the shift is at most 32."""
        self.mult, self.shift = mult, shift

    def count(self):
        """How often each event is in each buffer: a list of dicts by name. It reads all pages."""
        cdef size_t i
        cdef uint16_t number
        cdef cursor_t* c
        counts = [{} for _ in range(self.nr_buffers)]
        numbers = [[0] * len(self.plans.names) for _ in counts]
        self.rewind()
        for i in range(self.nr_cursors):
            c = &self.cursors[i]
            while self.next_event(i):
                number = self.number_of(c)
                if number:
                    numbers[c.buffer][number - 1] += 1
        for one, nr in zip(counts, numbers):
            one.update((name, n) for name, n in zip(self.plans.names, nr) if n)
        return counts

    def read(self, wanted, progress):
        """Hand on all events.

        Parameters
        ----------
        wanted : list of set of str
            For each buffer which events are taken from it.
        progress : callable
            Called with the number of pages read, now and then.
        """
        cdef size_t nr_plans = len(self.plans.names), i
        self.wanted = <unsigned char*> resized(self.wanted, self.nr_buffers * nr_plans + 1)
        for buffer in range(self.nr_buffers):
            for number, name in enumerate(self.plans.names):
                self.wanted[<size_t> buffer * nr_plans + <size_t> number] = name in wanted[buffer]
        self.rewind()
        self.heap.items = <uint32_t*> resized(self.heap.items, (self.nr_cursors + 1) * sizeof(uint32_t))
        for i in range(self.nr_cursors):
            if self.next_event(i):
                heap_push(&self.heap, <uint32_t> i)
        while self.heap.nr:
            with nogil:
                self.read_some()
            progress(self.nr_pages)

    cdef int rewind(self) except -1:
        cdef size_t i
        cdef cursor_t* c
        self.pages = [maker() for maker in self.makers]
        self.held = [None] * self.nr_cursors
        for i in range(self.nr_cursors):
            c = &self.cursors[i]
            c.page = c.end = c.p = c.stop = NULL
            c.lost, c.nr_pages, c.now, c.before = NO_LOSS, 0, 0, 0
        self.nr_entries = self.nr_damaged = self.nr_pages = 0
        self.times = <int64_t*> resized(self.times, (self.nr_cursors + 1) * sizeof(int64_t))
        self.heap.times, self.heap.nr = self.times, 0
        return 0

    cdef int read_some(self) except -1 nogil:
        # Some 50 us at a time, so that a program can be interrupted.
        cdef int i
        for i in range(1000):
            if self.heap.nr == 0:
                return 0
            self.emit(&self.cursors[self.heap.items[0]])
            if self.next_event(self.heap.items[0]):
                heap_settle(&self.heap)
            else:
                heap_pop(&self.heap)
        return 0

    # ---- one event

    cdef uint16_t number_of(self, const cursor_t* c) noexcept nogil:
        return self.plans.numbers[u16(c.raw, self.swap)] if c.length >= 2 else 0

    cdef int emit(self, cursor_t* c) except -1 nogil:
        cdef fact_t fact
        cdef uint16_t number = self.number_of(c)
        cdef size_t row = <size_t> c.buffer * self.plans.nr_plans
        self.nr_entries += 1
        if c.lost != NO_LOSS:
            self.emit_loss(c)
        if number == 0 or not self.wanted[row + number - 1]:
            return 0
        if not self.plans.decode(c.raw, c.length, &fact):
            self.nr_short += 1
            return 0
        fact.time = c.time
        fact.cpu = <int32_t> c.cpu
        return self.sink.take(&fact)

    cdef int emit_loss(self, cursor_t* c) except -1 nogil:
        cdef fact_t fact
        clear(&fact)
        fact.kind = MISSING
        fact.time = c.time
        fact.cpu = <int32_t> c.cpu
        fact.value = c.lost
        self.nr_lost += c.lost
        c.lost = NO_LOSS
        return self.sink.take(&fact)

    cdef bint next_event(self, size_t i) except -1 nogil:
        # The next event of a cursor becomes the one at hand; False: there is none.
        cdef cursor_t* c = &self.cursors[i]
        while True:
            if c.p < c.stop:
                if self.next_entry(c) and self.is_in_order(c) and self.nanoseconds(c):
                    self.times[i] = c.time
                    return True
            elif c.page != NULL and <size_t> (c.end - c.page) >= c.page_size:
                self.open_page(c)
            elif not self.more_pages(i):
                return False

    cdef bint is_in_order(self, cursor_t* c) except -1 nogil:
        # I3
        cdef bytes_t page = c.page
        cdef int nr = 0
        if is_long_after(c.now, c.before):
            while nr < 2 and <size_t> (c.end - page) >= c.page_size and is_long_after(c.now, u64(page, self.swap)):
                page += c.page_size
                nr += 1
            if nr == 2 or (nr == 1 and page == c.end):
                self.damaged(c)
                return False
        c.before = c.now
        return True

    cdef bint nanoseconds(self, cursor_t* c) except -1 nogil:
        cdef uint64_t time = c.now, low
        if self.shift or self.mult != 1:
            low = ((time & 0xFFFFFFFFu) * self.mult) >> self.shift
            time = (((time >> 32) * self.mult) << (32 - self.shift)) + low
        if time > <uint64_t> TIME_MAX:
            self.damaged(c)
            return False
        c.time = <int64_t> time
        return True

    cdef int more_pages(self, size_t i) except -1 nogil:
        cdef cursor_t* c = &self.cursors[i]
        with gil:
            return self.next_pages(i, c)

    cdef int next_pages(self, size_t i, cursor_t* c) except -1:
        cdef const unsigned char[::1] view
        self.held[i] = next(self.pages[i], None)
        if self.held[i] is None:
            return 0
        view = self.held[i]
        c.page = c.end = NULL
        if view.shape[0]:
            c.page = &view[0]
            c.end = c.page + view.shape[0]
        return 1

    cdef int open_page(self, cursor_t* c) except -1 nogil:
        # I2
        cdef bytes_t page = c.page
        cdef uint64_t commit = u64(page + 8, self.swap) if self.commit_size == 8 else u32(page + 8, self.swap)
        cdef size_t length = commit & COMMIT_MASK
        c.page += c.page_size
        c.nr_pages += 1
        self.nr_pages += 1
        c.now = u64(page, self.swap)
        c.p = c.stop = page + self.data_at
        if length > c.page_size - self.data_at:
            return self.damaged(c)
        c.stop = c.p + length
        if commit >> 31 & 1:
            c.lost = max(c.lost, 0)
            if commit >> 30 & 1 and self.data_at + length + self.commit_size <= c.page_size:
                commit = u64(c.stop, self.swap) if self.commit_size == 8 else u32(c.stop, self.swap)
                c.lost = <int64_t> (commit << 24 >> 24)
        return 0

    cdef int damaged(self, cursor_t* c) except -1 nogil:
        # I3
        c.p = c.stop
        c.lost = max(c.lost, 0)
        self.nr_damaged += 1
        if self.nr_damaged == 1:
            with gil:
                self.damage = f"page {c.nr_pages} of CPU {c.cpu}"
        return 0

    cdef bint next_entry(self, cursor_t* c) except -1 nogil:
        # Moves on by one entry; True: it is an event.
        cdef bytes_t p = c.p
        cdef size_t room = c.stop - p
        cdef uint32_t h, type, delta
        cdef uint64_t n = 0
        if room < 4:
            c.p = c.stop
            return False
        h = u32(p, self.swap)
        type = h >> 27 if self.is_big else h & 31
        delta = h & COMMIT_MASK if self.is_big else h >> 5
        if type == PADDING and delta == 0:
            c.p = c.stop
            return False
        if LONG < type <= WORDS_MAX:
            return self.take_entry(c, p + 4, 4 * type, 4 * type, delta)
        if room < 8:
            self.damaged(c)
            return False
        n = u32(p + 4, self.swap)
        if type == LONG:
            if n >= 4:
                return self.take_entry(c, p + 8, n - 4, ((n + 3) & ~<uint64_t> 3) - 4, delta)
            self.damaged(c)
            return False
        if type == PADDING:
            if n < 4 or n + 4 > room:
                self.damaged(c)
                return False
            c.now += delta
            c.p = p + 4 + n
            return False
        n = (n << 27) + delta
        c.now = c.now + n if type == EXTEND else absolute(c.now, n)
        c.p = p + 8
        return False

    cdef bint take_entry(
        self, cursor_t* c, bytes_t raw, uint64_t length, uint64_t step, uint32_t delta
    ) except -1 nogil:
        if raw > c.stop or step > <uint64_t> (c.stop - raw):
            self.damaged(c)
            return False
        c.now += delta
        c.raw, c.length = raw, <size_t> length
        c.p = raw + step
        return True


cdef inline bint is_long_after(uint64_t time, uint64_t other) noexcept nogil:
    # Of a clock that counts cycles 10 s are some.
    return time > other and time - other > <uint64_t> JUMP_NS_MIN


cdef inline uint64_t absolute(uint64_t old, uint64_t low) noexcept nogil:
    # A time of 59 bits; the top five are those of the time before, or the next.
    cdef uint64_t time = low | (old & TOP_BITS)
    if time < old and old - time > <uint64_t> 1 << 58:
        time += <uint64_t> 1 << 59
    return time
