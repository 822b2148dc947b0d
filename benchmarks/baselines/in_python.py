"""The switch in plain Python: heapq, SortedKeyList, and the exact formula behind the variants that divide.

What it decides: how good the competition is. The heapq loop is written as fast as it goes: one function,
local names, parallel lists, `heappushpop` (put back and pick in one descent), and no masks, because virtual
times begin below 2**63 as signed numbers and stay there for the length of a benchmark. The SortedKeyList is
the natural runqueue of a Python programmer: task objects ordered by an attribute.

Each class has `prepare(steps)`, which makes the times of the next steps and is not measured, `run()`, which
is, and `state()`. The last of them is no switch but the hop of a ring, by the exact formula.
"""

from heapq import heapify, heappop, heappush, heappushpop
from operator import attrgetter

from sortedcontainers import SortedKeyList

from .state import MASK, SEED, Entity, State, run_lengths

WIDE = 2**32                    # above: the product is shifted in two steps
HALF_16 = 2**15
HALF_32 = 2**31
LATENCY = 20_000_000            # ns; sched_latency_ns of 2.6.24: what a sleeper may be before the floor


def signed(v):
    return v - 2**64 if v >= 2**63 else v


class Prepared:
    """Times of the next steps, made beforehand."""

    def __init__(self, state):
        self.start = state
        self.now = state.now
        self.random = SEED
        self.times = []

    def prepare(self, steps):
        self.times = times = []
        now = self.now
        for self.random, length in run_lengths(self.random, steps):
            now += length
            times.append(now)
        self.now = now


class FromPython(Prepared):
    """cfs called from Python, one method call a switch: `yield_` charges, puts back and picks."""

    def __init__(self, state, sched):
        super().__init__(state)
        self.sched = sched

    def run(self):
        yield_ = self.sched.yield_
        for now in self.times:
            yield_(now_ns=now)


class Heapq(Prepared):
    """`(vruntime, sequence number, task)` in heaps, one a queue."""

    def __init__(self, state):
        super().__init__(state)
        self.since = state.now
        self.current = state.current
        self.v = [signed(task.vruntime) for task in state.tasks]
        self.ran = [task.ran for task in state.tasks]
        self.weight = [task.weight for task in state.tasks]
        self.inverse = [task.inverse for task in state.tasks]
        self.group_v = [signed(group.vruntime) for group in state.groups]
        self.group_ran = [group.ran for group in state.groups]
        self.floors = [signed(floor) for floor in state.floors]
        self.sequence = 0
        keys = [self.group_v if state.groups else self.v, *(self.v for _ in state.groups)]
        self.heaps = [self.heap_of(v, waiting) for v, waiting in zip(keys, state.waiting, strict=True)]

    def heap_of(self, v, waiting):
        heap = [(v[i], self.sequence + place, i) for place, i in enumerate(waiting)]
        self.sequence += len(heap)
        heapify(heap)
        return heap

    def run(self):
        if self.start.groups:
            self.run_grouped()
        else:
            self.run_flat()

    def run_flat(self):
        heap, floor = self.heaps[0], self.floors[0]
        sequence, i, since = self.sequence, self.current, self.since
        ran, weight, inverse = self.ran, self.weight, self.inverse
        v = self.v[i]
        for now in self.times:
            delta = now - since
            since = now
            ran[i] += delta
            if weight[i] == 1024:
                v += delta
            elif delta > 4194304:                               # WIDE / 1024
                v += (((delta << 10) + 32768 >> 16) * inverse[i] + 32768) >> 16
            else:
                v += ((delta << 10) * inverse[i] + 2147483648) >> 32
            least = heap[0][0]
            if v < least:
                least = v
            if least > floor:
                floor = least
            sequence += 1
            v, _, i = heappushpop(heap, (v, sequence, i))
        self.sequence, self.floors[0], self.current, self.since = sequence, floor, i, since
        self.v[i] = v

    def run_grouped(self):
        top, heaps, floors = self.heaps[0], self.heaps, self.floors
        sequence, i, since = self.sequence, self.current, self.since
        ran, weight, inverse, group_of = self.ran, self.weight, self.inverse, self.start.group_of
        group_v, group_ran = self.group_v, self.group_ran
        g = group_of[i]
        v = self.v[i]
        for now in self.times:
            delta = now - since
            since = now
            ran[i] += delta
            if weight[i] == 1024:
                v += delta
            elif delta > 4194304:
                v += (((delta << 10) + 32768 >> 16) * inverse[i] + 32768) >> 16
            else:
                v += ((delta << 10) * inverse[i] + 2147483648) >> 32
            heap = heaps[g + 1]
            least = v
            if heap and heap[0][0] < v:
                least = heap[0][0]
            if least > floors[g + 1]:
                floors[g + 1] = least
            sequence += 1
            heappush(heap, (v, sequence, i))
            group_ran[g] += delta
            least = group_v[g] = group_v[g] + delta             # a group weighs 1024
            if top and top[0][0] < least:
                least = top[0][0]
            if least > floors[0]:
                floors[0] = least
            g = heappushpop(top, (group_v[g], sequence, g))[2]
            v, _, i = heappop(heaps[g + 1])
        self.sequence, self.current, self.since = sequence, i, since
        self.v[i] = v

    def state(self):
        v = list(self.v)
        heaps = self.heaps[1:] if self.start.groups else self.heaps
        for heap in heaps:
            for key, _, i in heap:
                v[i] = key
        return state_from(self, v, tuple(tuple(i for _, _, i in sorted(heap)) for heap in self.heaps))


class Exact(Heapq):
    """What the dividing variants must give: floor(delta * 1024 / weight), in Python's integers. Not timed."""

    def run_flat(self):
        self.run_grouped()

    def run_grouped(self):
        for now in self.times:
            delta, self.since, i = now - self.since, now, self.current
            g = self.start.group_of[i]
            self.ran[i] += delta
            self.v[i] += delta * 1024 // self.weight[i]
            self.put(g + 1, self.v[i], i)
            if g >= 0:
                self.group_ran[g] += delta
                self.group_v[g] += delta
                self.put(0, self.group_v[g], g)
                g = heappop(self.heaps[0])[2]
            self.current = heappop(self.heaps[g + 1])[2]

    def put(self, queue, v, i):
        heap = self.heaps[queue]
        self.floors[queue] = max(self.floors[queue], min(v, heap[0][0]) if heap else v)
        self.sequence += 1
        heappush(heap, (v, self.sequence, i))


class OtherTree(Heapq):
    """The heapq loop, flat, over a sorted container of somebody else; `first` and `put_and_pick` are all that
    differs.

    Keys are `v * 2**20 + sequence number`: one integer, which every container takes, and equal virtual times
    leave in the order in which they came. A dict knows whose key it is.
    """

    def __init__(self, state):
        super().__init__(state)
        if state.groups:
            raise ValueError("flat only")
        self.whose = {(v << 20) + sequence: i for v, sequence, i in self.heaps[0]}
        self.fill(list(self.whose))
        self.heaps = [[]]

    def run_flat(self):
        floor, put_and_pick, first, whose = self.floors[0], self.put_and_pick, self.first, self.whose
        sequence, i, since = self.sequence, self.current, self.since
        ran, weight, inverse = self.ran, self.weight, self.inverse
        v = self.v[i]
        for now in self.times:
            delta = now - since
            since = now
            ran[i] += delta
            if weight[i] == 1024:
                v += delta
            elif delta > 4194304:
                v += (((delta << 10) + 32768 >> 16) * inverse[i] + 32768) >> 16
            else:
                v += ((delta << 10) * inverse[i] + 2147483648) >> 32
            least = first() >> 20
            if v < least:
                least = v
            if least > floor:
                floor = least
            sequence += 1
            key = (v << 20) + sequence
            whose[key] = i
            key = put_and_pick(key)
            v, i = key >> 20, whose.pop(key)
        self.sequence, self.floors[0], self.current, self.since = sequence, floor, i, since
        self.v[i] = v

    def state(self):
        order = self.keys()
        for key in order:
            self.v[self.whose[key]] = key >> 20
        return state_from(self, list(self.v), (tuple(self.whose[key] for key in order),))


class TreeSet(OtherTree):
    """BTrees.LLTreeSet: a B-tree of 64-bit integers in C."""

    def fill(self, keys):
        from BTrees.LLBTree import LLTreeSet

        self.tree = LLTreeSet(keys)
        self.first = self.tree.minKey

    def put_and_pick(self, key):
        tree = self.tree
        tree.insert(key)
        least = tree.minKey()
        tree.remove(least)
        return least

    def keys(self):
        return list(self.tree)


class SortedDictionary(OtherTree):
    """sorteddict.SortedDict: a red-black tree in C, as a dictionary of which the values are not used."""

    def fill(self, keys):
        from sorteddict import SortedDict

        self.tree = SortedDict(dict.fromkeys(keys))

    def first(self):
        return next(iter(self.tree))

    def put_and_pick(self, key):
        tree = self.tree
        tree[key] = None
        least = next(iter(tree))
        del tree[least]
        return least

    def keys(self):
        return list(self.tree)


class Runnable:
    """A task or a group as an object."""

    __slots__ = ("group", "inverse", "number", "ran", "v", "weight")

    def __init__(self, number, entity, group):
        self.number = number
        self.v = signed(entity.vruntime)
        self.ran = entity.ran
        self.weight = entity.weight
        self.inverse = entity.inverse
        self.group = group

    def charge(self, delta):
        self.ran += delta
        if self.weight == 1024:
            self.v += delta
            return
        product = delta << 10
        if product > WIDE:
            self.v += ((product + HALF_16 >> 16) * self.inverse + HALF_16) >> 16
        else:
            self.v += (product * self.inverse + HALF_32) >> 32


class Queue:
    """A SortedKeyList and its floor."""

    __slots__ = ("floor", "waiting")

    def __init__(self, floor, waiting):
        self.floor = signed(floor)
        self.waiting = SortedKeyList(waiting, key=attrgetter("v"))

    def put(self, entity):
        least = entity.v
        if self.waiting and self.waiting[0].v < least:
            least = self.waiting[0].v
        if least > self.floor:
            self.floor = least
        self.waiting.add(entity)                # behind equal keys


class SortedKeys(Prepared):
    """The natural Python runqueue: objects in a SortedKeyList."""

    def __init__(self, state):
        super().__init__(state)
        self.since = state.now
        self.groups = [Runnable(g, entity, None) for g, entity in enumerate(state.groups)]
        self.tasks = [
            Runnable(i, entity, self.groups[g] if g >= 0 else None)
            for i, (entity, g) in enumerate(zip(state.tasks, state.group_of, strict=True))
        ]
        kinds = [self.groups or self.tasks, *(self.tasks for _ in self.groups)]
        self.queues = [
            Queue(floor, [kind[i] for i in waiting])
            for floor, kind, waiting in zip(state.floors, kinds, state.waiting, strict=True)
        ]
        self.current = self.tasks[state.current]

    def run(self):
        current, since, top, queues = self.current, self.since, self.queues[0], self.queues
        for now in self.times:
            delta = now - since
            since = now
            current.charge(delta)
            group = current.group
            if group is None:
                top.put(current)
                current = top.waiting.pop(0)
            else:
                queues[group.number + 1].put(current)
                group.charge(delta)
                top.put(group)
                current = queues[top.waiting.pop(0).number + 1].waiting.pop(0)
        self.current, self.since = current, since

    def state(self):
        self.v, self.ran = [t.v for t in self.tasks], [t.ran for t in self.tasks]
        self.group_v, self.group_ran = [g.v for g in self.groups], [g.ran for g in self.groups]
        self.floors = [queue.floor for queue in self.queues]
        waiting = tuple(tuple(entity.number for entity in queue.waiting) for queue in self.queues)
        number = self.current.number
        return state_from(self, self.v, waiting, number)


class ExactRing:
    """The ring of `_events.pyx` under floor(delta * 1024 / weight), in Python's integers. Not timed.

    Starts from `Events.start()` and ends in what `Events.state()` gives. In a hop the waker is charged and
    raises the floor to its own time, for nobody waits; then the sleeper is placed and is alone. Whoever of
    the two is first, the floor is there already.
    """

    def __init__(self, start):
        (self.now, _, _, floor, _, _, _), _, ring, _, _ = start
        self.floor = signed(floor)
        self.ring = [[signed(v), ran, weight] for v, ran, weight in ring]
        self.place = self.hops = self.steps = 0
        self.random = SEED

    def prepare(self, steps):
        self.steps = steps

    def run(self):
        for self.random, delta in run_lengths(self.random, self.steps):
            self.now += delta
            self.hop(delta)
        self.hops += self.steps

    def hop(self, delta):
        waker = self.ring[self.place]
        waker[0] += delta * 1024 // waker[2]
        waker[1] += delta
        self.floor = max(self.floor, waker[0])
        self.place = (self.place + 1) % len(self.ring)
        sleeper = self.ring[self.place]
        sleeper[0] = max(sleeper[0], self.floor - LATENCY)

    def state(self):
        v, ran, weight = self.ring[self.place]
        return self.now, (v & MASK, ran, weight), [], self.floor & MASK, weight, 1, self.hops


def state_from(variant, v, waiting, current=None):
    start = variant.start
    return State(
        now=variant.since,
        current=variant.current if current is None else current,
        tasks=tuple(
            Entity(v[i] & MASK, variant.ran[i], task.weight, task.inverse)
            for i, task in enumerate(start.tasks)
        ),
        groups=tuple(
            Entity(variant.group_v[g] & MASK, variant.group_ran[g], group.weight, group.inverse)
            for g, group in enumerate(start.groups)
        ),
        group_of=start.group_of,
        floors=tuple(floor & MASK for floor in variant.floors),
        waiting=waiting,
    )
