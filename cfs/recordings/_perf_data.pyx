"""The records of a perf.data file, in order of time, as facts.

What it decides: how the data of perf is walked and sorted. `perf_data.py` reads what surrounds it.

perf empties the ring of one CPU after the other and then writes FINISHED_ROUND: within a round the records of
a CPU are sorted, and nothing that comes later is older than the newest record of the round before. So what
waits is at most two rounds, and at the end of each all of it up to the newest time of the rounds before is
handed on. A round is some ascending runs, one a CPU, and a merge sort that starts from the runs it finds
sorts it at a cost of log2(CPUs) moves an event. A time that stands alone, long after all others of two rounds, has
a wrong bit: it is no newest time, and its event is left out.

    I1  Facts come in order of time, and at the same time in the order of the file, if the file keeps perf's
        promise about rounds.
    I2  No byte outside of the data is read: the length of a record is checked before anything in it, and each
        part of a sample against the record's end.
    I3  What waits points into the blocks fed, which are kept until two rounds later; memory does not grow with
        the length of the file, but with that of a round. Where no FINISHED_ROUND comes (perf inject writes none)
        a round ends after `round_bytes_max`: a file that is sorted loses nothing by it.

Rejected: sorting all at the end (24 bytes an event for the whole file); a heap over the CPUs (a file says
which CPU a record is of only in the record, so the runs would have to be found first anyway).
"""

from cython cimport final
from cpython.mem cimport PyMem_RawFree
from libc.string cimport memmove, memset

import numpy as np

from ._events cimport NR_CPUS_MAX
from ._facts cimport TIME_MAX, jumps
from ._memory cimport resized
from ._plan cimport *
from ._sink cimport *

cdef enum:  # types of records
    LOST = 2
    THROTTLE = 5
    FORK = 7
    SAMPLE = 9
    LOST_SAMPLES = 13
    CGROUP = 19
    HEADER_ATTR = 64
    TRACING_DATA = 66
    FINISHED_ROUND = 68
    AUXTRACE = 71
    EVENT_UPDATE = 78
    HEADER_FEATURE = 80
    COMPRESSED = 81
    COMPRESSED2 = 83

cdef enum:  # sample_type
    S_IP = 1 << 0
    S_TID = 1 << 1
    S_TIME = 1 << 2
    S_ADDR = 1 << 3
    S_READ = 1 << 4
    S_CALLCHAIN = 1 << 5
    S_ID = 1 << 6
    S_CPU = 1 << 7
    S_PERIOD = 1 << 8
    S_STREAM_ID = 1 << 9
    S_RAW = 1 << 10
    S_IDENTIFIER = 1 << 16
    S_AUX = 1 << 20
    S_CGROUP = 1 << 21
    S_DATA_PAGE_SIZE = 1 << 22
    S_CODE_PAGE_SIZE = 1 << 23
    S_WEIGHT_STRUCT = 1 << 24  # the last one known

cdef enum:  # read_format
    R_ENABLED = 1
    R_RUNNING = 2
    R_ID = 4
    R_GROUP = 8
    R_LOST = 16

cdef enum:  # why a walk stopped
    AT_END = 0
    SPECIAL = 1
    DAMAGED = 2

cdef enum:
    NO_PLACE = 0xFFFF
    TRACING_DATA_MAX = 1 << 26
    ROUND_BYTES_MAX = 1 << 30
    UNPACK_STEP = 512  # 4 bytes of zstd may stand for 128 KiB: so many at a time make 16 MiB at most
    FORK_BYTES = 32  # of the record without its trailer
    GROUP_BYTES = 16  # of the record CGROUP in front of the path
    MADE_UP = 1 << 13  # in misc
    RATIO_MAX = 256  # of unpacked to packed: samples differ in their times at least, so 30 is much
    OVERFLOWN = 65519  # the longest payload whose record's size fits 16 bits

cdef struct attr_t:
    uint64_t config
    uint64_t sample_type
    uint64_t read_format
    bint is_wanted  # a tracepoint whose records have a plan
    bint has_trailer
    uint16_t time_at, cpu_at, id_at  # in a sample; NO_PLACE: it has none
    uint16_t rest_at  # what has no fixed place begins there
    uint16_t group_before  # the end of a sample; 0: it does not say in which control group it was taken
    uint16_t trailer_size, trailer_time_at, trailer_cpu_at  # from the beginning of the trailer

cdef struct entry_t:  # an event that waits for its turn
    int64_t time
    bytes_t at  # the tracepoint's record; of LOST the number
    uint16_t cpu
    uint16_t size
    uint16_t group_at  # from `at`; 0: not said
    uint8_t type
    uint8_t is_doubted  # at the end of the round before


@final
cdef class Records:
    """Takes the data of a perf.data file block by block.

    Parameters
    ----------
    owner : object
        Reads what is read once: its methods ``on_attr``, ``on_feature``, ``on_name``, ``on_tracing_data`` get the
        bytes of such records of a pipe, ``on_group`` the number and the path of a control group, ``on_begin`` is
        called before the first sample, ``unpacker`` makes what unpacks a zstd stream.
    sink : Sink
    byteorder : {"little", "big"}

    Attributes
    ----------
    nr_records, nr_samples, nr_unknown, nr_short, nr_jumps, nr_lost, nr_lost_samples, nr_throttled : int
        Records; samples; those of an id that no event has; those shorter than they say; those long after all others;
        lost as the kernel says in between, and at the end; times that an event was off.
    takes_forks : bool
        Whether records FORK say who has which parent, because no tracepoint does.
    nr_rounds, round_bytes_max : int
        Rounds so far, and how long one may be: what perf's rings can hold, if not very large ones.
    limit : int
        All CPUs are known up to this time, ns; -1: up to none.
    damage : str
        What is wrong where the walk ended; "" if nothing is.
    """

    cdef object owner
    cdef Sink sink
    cdef Plans plans
    cdef bint swap, is_begun, is_unpacked
    cdef public bint takes_forks
    cdef attr_t* attrs
    cdef size_t nr_attrs
    cdef list ids  # of (id, attr)
    cdef object id_array, attr_array  # sorted
    cdef const uint64_t* sorted_ids
    cdef const uint32_t* sorted_attrs
    cdef size_t nr_ids
    cdef bint is_one, has_identifier
    cdef uint16_t id_at  # of the id in every sample

    cdef entry_t* entries
    cdef entry_t* spare
    cdef size_t nr_entries, room_entries, room_spare
    cdef size_t* runs
    cdef size_t room_runs
    cdef bint has_emitted
    cdef public uint64_t round_bytes_max
    cdef uint64_t nr_bytes  # of this round
    cdef readonly int64_t limit
    cdef list blocks  # of (rounds when it had been read, block)

    cdef int stop
    cdef uint64_t skip, collect
    cdef object collected, unpack, unpack_error, unpacked_rest
    cdef uint64_t nr_packed, nr_unpacked
    cdef size_t rest_of_packed
    cdef readonly size_t nr_records, nr_samples, nr_unknown, nr_short, nr_jumps, nr_rounds, nr_throttled
    cdef readonly uint64_t nr_lost, nr_lost_samples
    cdef readonly str damage

    def __cinit__(self, owner, Sink sink, byteorder):
        self.owner, self.sink = owner, sink
        self.swap = (byteorder == "big") != is_big_host()
        self.limit = -1
        self.round_bytes_max = ROUND_BYTES_MAX
        self.ids, self.blocks = [], []
        self.damage = ""
        self.unpacked_rest = b""
        self.id_at = NO_PLACE

    def __dealloc__(self):
        PyMem_RawFree(self.attrs)
        PyMem_RawFree(self.entries)
        PyMem_RawFree(self.spare)
        PyMem_RawFree(self.runs)

    # ---- before the first sample

    def add_attr(self, uint64_t config, uint64_t sample_type, uint64_t read_format, bint has_trailer, ids):
        """An event that was recorded, and its numbers.

        Parameters
        ----------
        config : int
            Of a tracepoint the id of its format, else 2**64 - 1.
        sample_type, read_format : int
        has_trailer : bool
            The flag sample_id_all.
        ids : iterable of int
        """
        cdef attr_t a
        memset(&a, 0, sizeof(a))
        a.config, a.sample_type, a.read_format, a.has_trailer = config, sample_type, read_format, has_trailer
        place_fields(&a)
        place_trailer(&a)
        self.attrs = <attr_t*> resized(self.attrs, (self.nr_attrs + 1) * sizeof(attr_t))
        self.attrs[self.nr_attrs] = a
        self.ids.extend((number, self.nr_attrs) for number in ids)
        self.nr_attrs += 1

    def set_plans(self, Plans plans):
        """How the records of the tracepoints are read."""
        self.plans = plans

    cdef int begin(self) except -1:
        # All events are known now; who comes later is not looked at.
        cdef size_t i
        self.is_begun = True
        self.owner.on_begin()
        self.has_identifier = any(self.attrs[i].sample_type & S_IDENTIFIER for i in range(self.nr_attrs))
        self.is_one = self.nr_attrs == 1
        if self.nr_attrs and not self.has_identifier:
            self.id_at = self.attrs[0].id_at
            for i in range(self.nr_attrs):
                if self.attrs[i].sample_type != self.attrs[0].sample_type:
                    self.id_at = NO_PLACE
        for i in range(self.nr_attrs):
            self.attrs[i].is_wanted = self.plans is not None and is_placed(&self.attrs[i]) and (
                self.plans.kind_of(self.attrs[i].config) != NO_FACT
            )
        self.sort_ids()
        return 0

    cdef int sort_ids(self) except -1:
        cdef const uint64_t[::1] ids
        cdef const uint32_t[::1] attrs
        pairs = np.array(self.ids, np.uint64).reshape(-1, 2)
        order = np.argsort(pairs[:, 0], kind="stable")
        self.id_array = np.ascontiguousarray(pairs[order, 0])
        self.attr_array = np.ascontiguousarray(pairs[order, 1].astype(np.uint32))
        self.ids = []
        self.nr_ids = len(self.id_array)
        if self.nr_ids:
            ids, attrs = self.id_array, self.attr_array
            self.sorted_ids, self.sorted_attrs = &ids[0], &attrs[0]
        return 0

    # ---- blocks

    def feed(self, const unsigned char[::1] block):
        """Read on.

        Parameters
        ----------
        block : bytes-like
            The next bytes of the data; it must not change until this object is gone.

        Returns
        -------
        int
            How many of them were taken: the caller gives the rest again, with more behind it. 0 of more than 70000
            bytes: `damage` says what is wrong.
        """
        cdef bytes_t start, p, end
        if block.shape[0] == 0:
            return 0
        start = p = &block[0]
        end = p + block.shape[0]
        while p < end and not self.damage:
            if self.skip or self.collect:
                p = self.pass_over(p, end)
                continue
            self.stop = AT_END
            with nogil:
                p = self.walk(p, end)
            if self.stop == AT_END:
                break
            if self.stop == DAMAGED:
                self.damage = f"a record of type {u32(p, self.swap)} cannot have {u16(p + 6, self.swap)} bytes"
            elif not self.special(&p, end):
                break
        self.keep(block, p - start)
        return p - start

    cdef int keep(self, block, size_t length) except -1:
        # I3
        self.blocks.append((self.nr_rounds, block))
        self.nr_bytes += length
        if self.nr_bytes > self.round_bytes_max:
            with nogil:
                self.finish_round()
        if self.blocks[0][0] + 2 <= self.nr_rounds:
            self.blocks = [item for item in self.blocks if item[0] + 2 > self.nr_rounds]
        return 0

    def finish(self):
        """Hand on all that still waits."""
        with nogil:
            self.finish_round()
            self.finish_round()
        self.blocks = []
        if not self.is_begun:
            self.begin()

    cdef bytes_t pass_over(self, bytes_t p, bytes_t end) except NULL:
        # Bytes that follow a record and are not in its size.
        cdef uint64_t length = min(<uint64_t> (end - p), self.skip or self.collect)
        if self.skip:
            self.skip -= length
            return p + length
        self.collected += p[:length]
        self.collect -= length
        if self.collect == 0:
            self.owner.on_tracing_data(bytes(self.collected))
            self.collected = None
        return p + length

    cdef bint special(self, bytes_t* place, bytes_t end) except -1:
        # A record that Python reads. False: it is not whole yet.
        cdef bytes_t p = place[0]
        cdef uint32_t type = u32(p, self.swap)
        cdef size_t size = u16(p + 6, self.swap), payload = 0
        if type == COMPRESSED2:
            if end - p < 16:
                return False
            payload = self.packed_length(p, &size)
        if <size_t> (end - p) < size:
            return False
        place[0] = p + size
        self.nr_records += 1
        if self.is_unpacked:
            return True
        if type == COMPRESSED:
            self.inflate(p[8:size])
        elif type == COMPRESSED2:
            self.note_rest_of_packed(p, payload)
            self.inflate(p[16 : 16 + payload])
        elif type == AUXTRACE and size >= 16:
            self.skip = u64(p + 8, self.swap)
        elif type == TRACING_DATA and size >= 12:
            self.begin_collecting(u32(p + 8, self.swap))
        elif not self.is_begun:
            self.described(type, p[8:size])
        return True

    cdef int described(self, uint32_t type, bytes body) except -1:
        if type == HEADER_ATTR:
            self.owner.on_attr(body)
        elif type == HEADER_FEATURE:
            self.owner.on_feature(body)
        elif type == EVENT_UPDATE:
            self.owner.on_name(body)
        return 0

    cdef int begin_collecting(self, uint64_t length) except -1:
        length = (length + 7) & ~<uint64_t> 7
        if length > TRACING_DATA_MAX:
            self.damage = f"tracing data of {length} bytes is too long"
            return 0
        self.collected = bytearray()
        self.collect = length
        return 0

    # ---- zstd

    cdef size_t packed_length(self, bytes_t p, size_t* size) noexcept nogil:
        # Of COMPRESSED2 the size may have overflown its 16 bits; then the length of the payload counts, and there
        # is no padding. A payload too long even for that was cut into several records, of which the first tells it.
        cdef uint64_t length = u64(p + 8, self.swap)
        if self.rest_of_packed:
            size[0] = max(size[0], 16)
            return size[0] - 16
        if length > OVERFLOWN:
            length = OVERFLOWN
        elif ((16 + length + 7) & ~<uint64_t> 7) == size[0]:
            return <size_t> length
        size[0] = 16 + <size_t> length
        return <size_t> length

    cdef void note_rest_of_packed(self, bytes_t p, size_t payload) noexcept nogil:
        cdef uint64_t length = u64(p + 8, self.swap)
        if self.rest_of_packed:
            self.rest_of_packed -= min(self.rest_of_packed, payload)
        elif length > OVERFLOWN:
            self.rest_of_packed = <size_t> min(length - OVERFLOWN, <uint64_t> TRACING_DATA_MAX)

    cdef int inflate(self, bytes packed) except -1:
        if self.unpack is None:
            self.unpack, self.unpack_error = self.owner.unpacker()
        self.nr_packed += len(packed)
        for at in range(0, len(packed), UNPACK_STEP):
            try:
                data = self.unpack(packed[at : at + UNPACK_STEP])
            except self.unpack_error as error:
                self.damage = f"zstd data cannot be unpacked ({error})"
                return 0
            self.nr_unpacked += len(data)
            if self.nr_unpacked > RATIO_MAX * self.nr_packed + (1 << 20):
                self.damage = f"zstd data unpacks to more than {RATIO_MAX} times its size"
                return 0
            self.feed_unpacked(data)
        return 0

    cdef int feed_unpacked(self, bytes data) except -1:
        cdef bytes whole = self.unpacked_rest + data if self.unpacked_rest else data
        self.is_unpacked = True
        taken = self.feed(whole) if whole else 0
        self.is_unpacked = False
        self.unpacked_rest = whole[taken:]
        return 0

    # ---- records

    cdef bytes_t walk(self, bytes_t p, bytes_t end) except NULL nogil:
        # Up to the first record that is not whole, damaged, or Python's to read.
        cdef uint32_t type
        cdef size_t size
        while end - p >= 8:
            type = u32(p, self.swap)
            size = u16(p + 6, self.swap)
            if type == SAMPLE:
                if size < 8 or <size_t> (end - p) < size:
                    break
                self.on_sample(p, size)
            elif type == COMPRESSED2 or size < 8:
                break
            elif is_special(type):
                break
            elif <size_t> (end - p) < size:
                return p
            else:
                self.on_other(type, p, size)
            self.nr_records += 1
            p += size
        if end - p < 8:
            return p
        if type != COMPRESSED2 and size < 8:
            self.stop = DAMAGED
        elif type != SAMPLE:
            self.stop = SPECIAL
        return p

    cdef int on_sample(self, bytes_t p, size_t size) except -1 nogil:
        cdef attr_t* a
        cdef bytes_t raw
        cdef size_t length = 0
        if not self.is_begun:
            with gil:
                self.begin()
        self.nr_samples += 1
        a = self.attr_of(p, size)
        if a == NULL:
            self.nr_unknown += 1
            return 0
        if not a.is_wanted:
            return 0
        raw = raw_of(a, p, p + size, self.swap, &length)
        if raw == NULL or length < 2 or u16(raw, self.swap) != a.config:
            self.nr_short += 1
            return 0
        return self.wait(
            u64(p + a.time_at, self.swap), u32(p + a.cpu_at, self.swap), raw, length,
            group_at(a, <size_t> (p + size - raw), length), SAMPLE,
        )

    cdef attr_t* attr_of(self, bytes_t p, size_t size) noexcept nogil:
        # Of which event a sample is; NULL: its id is nobody's.
        cdef size_t at = 8 if self.has_identifier else self.id_at
        if self.is_one:
            return self.attrs
        if at == NO_PLACE or at + 8 > size:
            return NULL
        return self.attr_of_id(u64(p + at, self.swap))

    cdef attr_t* attr_of_id(self, uint64_t id) noexcept nogil:
        cdef size_t low = 0, high = self.nr_ids, middle
        if high == 0:
            return NULL
        # Ids are mostly consecutive numbers.
        middle = <size_t> (id - self.sorted_ids[0])
        if middle < high and self.sorted_ids[middle] == id:
            return &self.attrs[self.sorted_attrs[middle]]
        while low < high:
            middle = (low + high) // 2
            if self.sorted_ids[middle] < id:
                low = middle + 1
            else:
                high = middle
        if low == self.nr_ids or self.sorted_ids[low] != id:
            return NULL
        return &self.attrs[self.sorted_attrs[low]]

    cdef int on_other(self, uint32_t type, bytes_t p, size_t size) except -1 nogil:
        if type == FINISHED_ROUND:
            self.finish_round()
        elif type == THROTTLE:
            self.nr_throttled += 1
        elif type == FORK and self.takes_forks and size >= FORK_BYTES:
            self.on_fork(p, size)
        elif type == LOST and size >= 24:
            self.on_lost(p, size)
        elif type == CGROUP and size > GROUP_BYTES:
            self.on_group(p, size)
        elif type == LOST_SAMPLES and size >= 16 and not u16(p + 4, self.swap) & 0x8000:
            self.nr_lost_samples += count_at(p + 8, self.swap)
        return 0

    cdef int on_lost(self, bytes_t p, size_t size) except -1 nogil:
        cdef uint64_t id = u64(p + 8, self.swap)
        cdef attr_t* a = self.attrs if self.is_one or self.nr_attrs == 0 else self.attr_of_id(id)
        self.nr_lost += count_at(p + 16, self.swap)
        return self.wait_by_trailer(a, p, size, 24, p + 16, LOST)

    cdef int on_fork(self, bytes_t p, size_t size) except -1 nogil:
        # Those of before the recording are made up by perf, at time 0 or marked. All events have one trailer.
        if self.nr_attrs == 0 or u16(p + 4, self.swap) & MADE_UP or u64(p + 24, self.swap) == 0:
            return 0
        return self.wait_by_trailer(self.attrs, p, size, FORK_BYTES, p + 8, FORK)

    cdef int on_group(self, bytes_t p, size_t size) except -1 nogil:
        # Rare: one for each group that there is, and that is made.
        cdef size_t trailer = self.attrs.trailer_size if self.nr_attrs and self.attrs.has_trailer else 0
        if size >= GROUP_BYTES + trailer:
            with gil:
                self.owner.on_group(u64(p + 8, self.swap), <bytes> p[GROUP_BYTES : size - trailer])
        return 0

    cdef int wait_by_trailer(
        self, const attr_t* a, bytes_t p, size_t size, size_t body, bytes_t at, int type
    ) except -1 nogil:
        # The trailer says when and where it was; without one nobody knows.
        cdef bytes_t trailer
        if a == NULL or not a.has_trailer or a.trailer_time_at == NO_PLACE or a.trailer_cpu_at == NO_PLACE:
            return 0
        if a.trailer_size + body > size:
            return 0
        trailer = p + size - a.trailer_size
        return self.wait(
            u64(trailer + a.trailer_time_at, self.swap), u32(trailer + a.trailer_cpu_at, self.swap), at, 8, 0, type
        )

    # ---- the order of time

    cdef int wait(
        self, uint64_t time, uint32_t cpu, bytes_t at, size_t size, uint16_t group_at, int type
    ) except -1 nogil:
        cdef entry_t* e
        if time > <uint64_t> TIME_MAX or cpu >= NR_CPUS_MAX:
            self.nr_short += 1
            return 0
        if self.nr_entries == self.room_entries:
            self.room_entries += self.room_entries // 2 + 1024
            self.entries = <entry_t*> resized(self.entries, self.room_entries * sizeof(entry_t))
        e = &self.entries[self.nr_entries]
        e.time, e.cpu, e.at, e.size, e.type = <int64_t> time, <uint16_t> cpu, at, <uint16_t> size, <uint8_t> type
        e.group_at, e.is_doubted = group_at, False
        self.nr_entries += 1
        return 0

    cdef int finish_round(self) except -1 nogil:
        # Hands on what waits since the round before. What is still doubted is left out (I3), the rest of it was not
        # late: nothing that comes now is older.
        cdef size_t nr, i
        cdef int64_t limit = self.limit
        self.nr_rounds += 1
        self.nr_bytes = 0
        self.sort()
        nr = self.nr_believed()
        for i in range(nr):
            if self.entries[i].is_doubted:
                limit = self.entries[i].time
        if nr:
            self.limit = max(self.limit, self.entries[nr - 1].time)
        self.doubt_from(nr)
        self.flush(limit)
        return 0

    cdef size_t nr_believed(self) noexcept nogil:
        # Of what waits, which is sorted. If nothing is known yet, the first time is.
        cdef size_t nr = self.nr_entries
        while nr > 1 and jumps(self.entries[nr - 1].time, self.entries[nr - 2].time):
            nr -= 1
        if nr == 1 and self.limit >= 0 and jumps(self.entries[0].time, self.limit):
            return 0
        return nr

    cdef void doubt_from(self, size_t i) noexcept nogil:
        cdef size_t to = i
        for i in range(i, self.nr_entries):
            if self.entries[i].is_doubted:
                self.nr_jumps += 1
                continue
            self.entries[to] = self.entries[i]
            self.entries[to].is_doubted = True
            to += 1
        self.nr_entries = to

    cdef int flush(self, int64_t limit) except -1 nogil:
        # Hands on what waits and is not later than `limit`.
        cdef size_t i = 0
        while i < self.nr_entries and self.entries[i].time <= limit:
            self.emit(&self.entries[i])
            i += 1
        self.nr_entries -= i
        if i:
            memmove(self.entries, self.entries + i, self.nr_entries * sizeof(entry_t))
        return 0

    cdef int emit(self, const entry_t* e) except -1 nogil:
        cdef fact_t fact
        if e.type == LOST:
            clear(&fact)
            fact.kind = MISSING
            fact.value = <int64_t> count_at(e.at, self.swap)
        elif e.type == FORK:
            if not self.has_emitted:  # before the first sample: the tracepoints were off
                return 0
            clear(&fact)
            fact.kind = FORKED
            fact.other = <int32_t> u32(e.at + 8, self.swap)
            fact.pid = fact.tid = <int32_t> u32(e.at + 12, self.swap)
        elif not self.plans.decode(e.at, e.size, &fact):
            self.nr_short += 1
            return 0
        if e.group_at:
            fact.group = u64(e.at + e.group_at, self.swap)
        fact.time = e.time
        fact.cpu = <int32_t> e.cpu
        self.has_emitted = True
        return self.sink.take(&fact)

    cdef int sort(self) except -1 nogil:
        # Merges the ascending runs that are there, two by two; stable (I1).
        cdef size_t nr_runs = self.find_runs(), i, nr
        cdef entry_t* swapped
        if nr_runs < 2:
            return 0
        if self.room_spare < self.nr_entries:
            self.room_spare = self.room_entries
            self.spare = <entry_t*> resized(self.spare, self.room_spare * sizeof(entry_t))
        while nr_runs > 1:
            nr = 0
            for i in range(0, nr_runs, 2):
                merge(self.entries, self.runs[i], self.runs[min(i + 1, nr_runs)], self.runs[min(i + 2, nr_runs)],
                      self.spare)
                self.runs[nr] = self.runs[i]
                nr += 1
            self.runs[nr] = self.nr_entries
            nr_runs = nr
            swapped, self.entries, self.spare = self.entries, self.spare, self.entries
            self.room_entries, self.room_spare = self.room_spare, self.room_entries
        return 0

    cdef size_t find_runs(self) except? 0 nogil:
        # Where the runs begin, and where the last one ends.
        cdef size_t i, nr = 0
        for i in range(self.nr_entries):
            if i and self.entries[i].time >= self.entries[i - 1].time:
                continue
            if nr + 2 > self.room_runs:
                self.room_runs += self.room_runs // 2 + 64
                self.runs = <size_t*> resized(self.runs, self.room_runs * sizeof(size_t))
            self.runs[nr] = i
            nr += 1
        if nr:
            self.runs[nr] = self.nr_entries
        return nr


cdef inline uint64_t count_at(bytes_t p, bint swap) noexcept nogil:
    # A number of events, small enough to be added up for ever.
    return u64(p, swap) << 16 >> 16


cdef void merge(const entry_t* from_, size_t low, size_t middle, size_t high, entry_t* to) noexcept nogil:
    cdef size_t i = low, j = middle, k
    for k in range(low, high):
        if j == high or (i < middle and from_[i].time <= from_[j].time):
            to[k] = from_[i]
            i += 1
        else:
            to[k] = from_[j]
            j += 1


cdef inline bint is_special(uint32_t type) noexcept nogil:
    return type in (
        COMPRESSED, HEADER_ATTR, TRACING_DATA, AUXTRACE, EVENT_UPDATE, HEADER_FEATURE
    )


cdef void place_fields(attr_t* a) noexcept nogil:
    # The fields of a sample up to READ have a fixed place.
    cdef uint64_t has = a.sample_type
    cdef uint16_t at = 8
    a.id_at = a.time_at = a.cpu_at = NO_PLACE
    at += 8 * ((has & S_IDENTIFIER != 0) + (has & S_IP != 0) + (has & S_TID != 0))
    if has & S_TIME:
        a.time_at = at
        at += 8
    at += 8 * (has & S_ADDR != 0)
    if has & S_ID:
        a.id_at = at
        at += 8
    at += 8 * (has & S_STREAM_ID != 0)
    if has & S_CPU:
        a.cpu_at = at
        at += 8
    a.rest_at = at + 8 * (has & S_PERIOD != 0)
    place_group(a)


cdef void place_group(attr_t* a) noexcept nogil:
    # Much of what is in front of it has no fixed length; behind it there are two numbers at most, and AUX data.
    cdef uint64_t has = a.sample_type
    if has & S_CGROUP and not has & S_AUX and has < S_WEIGHT_STRUCT << 1:
        a.group_before = 8 * (1 + (has & S_DATA_PAGE_SIZE != 0) + (has & S_CODE_PAGE_SIZE != 0))


cdef bint is_placed(const attr_t* a) noexcept nogil:
    # Whether a sample says when and where it was, and what the tracepoint recorded.
    return a.time_at != NO_PLACE and a.cpu_at != NO_PLACE and a.sample_type & S_RAW != 0


cdef void place_trailer(attr_t* a) noexcept nogil:
    cdef uint64_t has = a.sample_type
    cdef uint16_t at = 8 * (has & S_TID != 0)
    a.trailer_time_at = a.trailer_cpu_at = NO_PLACE
    if has & S_TIME:
        a.trailer_time_at = at
        at += 8
    at += 8 * ((has & S_ID != 0) + (has & S_STREAM_ID != 0))
    if has & S_CPU:
        a.trailer_cpu_at = at
        at += 8
    a.trailer_size = at + 8 * (has & S_IDENTIFIER != 0)


cdef inline bytes_t raw_of(const attr_t* a, bytes_t p, bytes_t end, bint swap, size_t* length) noexcept nogil:
    # The tracepoint's record in a sample; NULL: the sample is too short for what it says (I2).
    cdef uint64_t nr
    p += a.rest_at
    if a.sample_type & S_READ:
        p = after_read(a.read_format, p, end, swap)
        if p == NULL:
            return NULL
    if a.sample_type & S_CALLCHAIN:
        if end - p < 8:
            return NULL
        nr = u64(p, swap)
        p += 8
        if nr > <uint64_t> (end - p) // 8:
            return NULL
        p += 8 * nr
    if end - p < 4:
        return NULL
    length[0] = u32(p, swap)
    p += 4
    return p if length[0] <= <size_t> (end - p) else NULL


cdef inline uint16_t group_at(const attr_t* a, size_t left, size_t length) noexcept nogil:
    # Where the control group is, from the tracepoint's record on, of which `left` bytes of the sample are left; 0: it
    # has none (I2).
    if a.group_before == 0 or length + a.group_before > left:
        return 0
    return <uint16_t> (left - a.group_before)


cdef bytes_t after_read(uint64_t has, bytes_t p, bytes_t end, bint swap) noexcept nogil:
    cdef uint64_t times = (has & R_ENABLED != 0) + (has & R_RUNNING != 0)
    cdef uint64_t each = 1 + (has & R_ID != 0) + (has & R_LOST != 0)
    cdef uint64_t nr = 1, room
    if end - p < 8:
        return NULL
    room = <uint64_t> (end - p) // 8
    if has & R_GROUP:
        nr = u64(p, swap)
        times += 1
    if nr > room or times + nr * each > room:
        return NULL
    return p + 8 * (times + nr * each)
