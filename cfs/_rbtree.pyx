"""The red-black tree under every runqueue, and `RBTree`, the same tree for tests and teaching.

What it decides: nothing. It keeps nodes in the order in which the caller linked them, and the tree shallow.
Source: the textbook algorithm, in the variant that the 6.18 specification (section 5) spells out. The result of an
augmented tree depends on its exact shape; the plain tree has the same shape.

Invariants, checked by `rb_check` and named by the tests:
    I1  order: no key is smaller than the one before it in an in-order walk
    I2  no red node has a red child
    I3  every path from a node to a missing child crosses the same number of black nodes; the root is black
    I4  the number of nodes is the one that the owner counts
    I5  `leftmost` is the first node of the walk, NULL exactly if the tree is empty
    I6  each child points back to its parent, and the root to none

Rejected: pointer-to-link descent (0.9 of the time at 3 and 10 nodes, 1.07 to 1.16 from 100 on); a less() pointer (6 to
21 % slower); 32-bit links in an arena (docs/decisions/0001). benchmarks/bench_rbtree.py prints these.
"""

from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from ._types cimport LEFT, RIGHT, rb_node, rb_root, uint64_t, uintptr_t
from ._rbtree cimport (
    insert_repair,
    rb_augment,
    rb_color,
    rb_erase_augmented,
    rb_insert,
    rb_insert_augmented,
    rb_is_red,
    rb_link_node,
    rb_parent,
)

# --------------------------------------------------------------------------------------------------- insert, erase


cdef void rb_insert_repair(rb_node *node, rb_root *root) noexcept nogil:
    insert_repair(node, root, NULL)


cdef void rb_erase(rb_node *node, rb_root *root) noexcept nogil:
    rb_erase_augmented(node, root, NULL)

# -------------------------------------------------------------------------------------------------------- walking


cdef inline rb_node *step(const rb_node *node, int side) noexcept nogil:
    # the neighbour of `node` on `side` in the order of keys
    cdef rb_node *up
    cdef rb_node *at = <rb_node *>node
    if at.child[side] != NULL:
        at = at.child[side]
        while at.child[side ^ 1] != NULL:
            at = at.child[side ^ 1]
        return at
    up = rb_parent(at)
    while up != NULL and up.child[side] == at:
        at = up
        up = rb_parent(at)
    return up


cdef rb_node *rb_next(const rb_node *node) noexcept nogil:
    return step(node, RIGHT)


cdef rb_node *rb_prev(const rb_node *node) noexcept nogil:
    return step(node, LEFT)


cdef rb_node *rb_last(const rb_root *root) noexcept nogil:
    cdef rb_node *node = root.node
    if node != NULL:
        while node.child[RIGHT] != NULL:
            node = node.child[RIGHT]
    return node

# ------------------------------------------------------------------------------------------------------- checking


# Links that were forged can be a ring. No walk here ends in one: it begins at the root, which has no parent, and goes
# down only to children that point back (I6). A ring would have to be entered at a node with two parents.


cdef inline bint points_back(const rb_node *child, const rb_node *parent) noexcept nogil:
    return child == NULL or rb_parent(child) == parent


cdef int black_height(const rb_node *node) noexcept nogil:
    # black nodes on the way down the left edge, from `node` on; -1: one of them does not point back
    cdef int height = 0
    while node != NULL:
        if not points_back(node.child[LEFT], node):
            return -1
        height += rb_color(node)
        node = node.child[LEFT]
    return height


cdef int check_node(const rb_node *node) noexcept nogil:
    # and the left edges below it, the ways by which a walk goes on
    cdef const rb_node *left = node.child[LEFT]
    cdef const rb_node *right = node.child[RIGHT]
    cdef int height_of_left, height_of_right
    if not points_back(left, node) or not points_back(right, node) or (left == right and left != NULL):
        return 6
    if rb_is_red(node) and (rb_is_red(left) or rb_is_red(right)):
        return 2
    # equal heights of both sides at every node make all paths equal
    height_of_left, height_of_right = black_height(left), black_height(right)
    if height_of_left < 0 or height_of_right < 0:
        return 6
    return 3 if height_of_left != height_of_right else 0


cdef int rb_check(
    const rb_root *root, size_t size, bint (*before)(const rb_node *a, const rb_node *b) noexcept nogil
) noexcept nogil:
    cdef const rb_node *node = root.node
    cdef const rb_node *last = NULL
    cdef size_t seen = 0
    cdef int broken
    if node == NULL:
        if root.leftmost != NULL:
            return 5
        return 4 if size != 0 else 0
    if rb_parent(node) != NULL:
        return 6
    if rb_is_red(node):
        return 3
    if black_height(node) < 0:
        return 6
    while node.child[LEFT] != NULL:
        node = node.child[LEFT]
    if root.leftmost != node:
        return 5
    while node != NULL:
        broken = check_node(node)
        if broken:
            return broken
        if last != NULL and before(node, last):
            return 1
        seen += 1
        if seen > size:
            return 4
        last = node
        node = rb_next(node)
    return 4 if seen != size else 0

# ------------------------------------------------------------------------------------------------- RBTree, for people


cdef struct int_node:
    rb_node node
    int64_t key
    int64_t least               # least `value` of the subtree: what the augmented variant keeps
    int64_t value
    uint64_t serial             # 0, 1, ... in order of insertion


cdef bint int_before(const rb_node *a, const rb_node *b) noexcept nogil:
    return (<int_node *>a).key < (<int_node *>b).key


cdef inline int64_t least_of(const int_node *n) noexcept nogil:
    cdef int64_t least = n.value
    cdef int side
    for side in range(2):
        if n.node.child[side] != NULL and (<int_node *>n.node.child[side]).least < least:
            least = (<int_node *>n.node.child[side]).least
    return least


cdef void least_propagate(rb_node *node, rb_node *stop) noexcept nogil:
    cdef int64_t least
    while node != NULL and node != stop:
        least = least_of(<int_node *>node)
        if (<int_node *>node).least == least:
            return
        (<int_node *>node).least = least
        node = rb_parent(node)


cdef void least_copy(rb_node *old, rb_node *new) noexcept nogil:
    (<int_node *>new).least = (<int_node *>old).least


cdef void least_rotate(rb_node *old, rb_node *new) noexcept nogil:
    (<int_node *>new).least = (<int_node *>old).least
    (<int_node *>old).least = least_of(<int_node *>old)


cdef rb_augment least_augment
least_augment.propagate = least_propagate
least_augment.copy = least_copy
least_augment.rotate = least_rotate


cdef class RBTree:
    """The runqueue's red-black tree with integer keys, to look at and to test.

    Equal keys keep the order in which they came: a new one goes behind all of its equals, as on a runqueue.
    Each node also carries a `value`; with ``augmented=True`` every node knows the least value of its subtree,
    the device by which EEVDF finds the earliest eligible deadline.

    Parameters
    ----------
    augmented : bool, optional
        Keep the least value of each subtree.

    Notes
    -----
    This is the tree itself, not a container to build on: a sorted container for Python objects is better served
    by `sortedcontainers`. `insert` and `erase` cost O(log n), `first` O(1), iteration O(n).

    Examples
    --------
    >>> tree = RBTree()
    >>> for key in (30, 10, 20, 10):
    ...     handle = tree.insert(key)
    >>> list(tree)
    [(10, 1), (10, 3), (20, 2), (30, 0)]
    >>> tree.first
    (10, 1)
    >>> tree.erase(3); list(tree)
    [(10, 1), (20, 2), (30, 0)]
    """

    cdef rb_root root
    cdef readonly bint augmented
    cdef dict nodes             # serial -> address
    cdef uint64_t nr_inserted

    def __cinit__(self, *, bint augmented=False):
        self.root.node = NULL
        self.root.leftmost = NULL
        self.augmented = augmented
        self.nodes = {}
        self.nr_inserted = 0

    def __dealloc__(self):
        if self.nodes is not None:
            for address in self.nodes.values():
                free(<void *><uintptr_t>address)

    cdef int_node *node_of(self, serial) except NULL:
        try:
            return <int_node *><uintptr_t>self.nodes[serial]
        except KeyError:
            raise KeyError(f"no node with the serial number {serial!r} in the tree") from None

    def insert(self, int64_t key, int64_t value=0):
        """Put `key` behind all equal keys; return the serial number of the node: 0, 1, ... in order of insertion."""
        cdef int_node *new = <int_node *>malloc(sizeof(int_node))
        cdef rb_node *at = self.root.node
        cdef rb_node *parent = NULL
        cdef bint leftmost = True
        cdef int side = LEFT
        if new == NULL:
            raise MemoryError
        new.key, new.value, new.least, new.serial = key, value, value, self.nr_inserted
        while at != NULL:
            parent = at
            side = key >= (<int_node *>at).key
            leftmost = leftmost and side == LEFT
            at = at.child[side]
        rb_link_node(&new.node, parent, side, &self.root)
        if self.augmented:
            rb_insert_augmented(&new.node, &self.root, leftmost, &least_augment)
        else:
            rb_insert(&new.node, &self.root, leftmost)
        self.nodes[new.serial] = <uintptr_t>new
        self.nr_inserted += 1
        return new.serial

    def erase(self, serial):
        """Take out the node with this serial number; `KeyError` if it is not in the tree."""
        cdef int_node *node = self.node_of(serial)
        if self.augmented:
            rb_erase_augmented(&node.node, &self.root, &least_augment)
        else:
            rb_erase(&node.node, &self.root)
        del self.nodes[serial]
        free(node)

    def __len__(self):
        return len(self.nodes)

    def __iter__(self):
        cdef rb_node *node = self.root.leftmost
        walk = []
        while node != NULL:
            walk.append(((<int_node *>node).key, (<int_node *>node).serial))
            node = rb_next(node)
        return iter(walk)

    def __reversed__(self):
        cdef rb_node *node = rb_last(&self.root)
        walk = []
        while node != NULL:
            walk.append(((<int_node *>node).key, (<int_node *>node).serial))
            node = rb_prev(node)
        return iter(walk)

    @property
    def first(self):
        """``(key, serial)`` of the leftmost node, or None. Cost O(1): it is cached."""
        cdef rb_node *node = self.root.leftmost
        return None if node == NULL else ((<int_node *>node).key, (<int_node *>node).serial)

    @property
    def least(self):
        """Least value in an augmented tree, or None if it is empty. Cost O(1)."""
        if not self.augmented:
            raise ValueError("the tree is not augmented: make it with RBTree(augmented=True)")
        return None if self.root.node == NULL else (<int_node *>self.root.node).least

    def shape(self):
        """Nested ``(key, serial, colour, left, right)`` tuples from the root, None for a missing child."""
        return node_shape(self.root.node)

    def check(self):
        """Number of the first broken invariant (I1 ... I6 of the module's docstring; 7: a subtree's least), or 0."""
        cdef int broken = rb_check(&self.root, len(self.nodes), int_before)
        cdef rb_node *node = self.root.leftmost
        while not broken and self.augmented and node != NULL:
            broken = 7 if (<int_node *>node).least != least_of(<int_node *>node) else 0
            node = rb_next(node)
        return broken

    def __repr__(self):
        return f"<RBTree of {len(self.nodes)}, first {self.first}>"


cdef object node_shape(const rb_node *node):
    if node == NULL:
        return None
    color = "black" if rb_color(node) else "red"
    left, right = node_shape(node.child[LEFT]), node_shape(node.child[RIGHT])
    return ((<int_node *>node).key, (<int_node *>node).serial, color, left, right)
