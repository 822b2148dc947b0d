"""The red-black tree under every runqueue, and `RBTree`, the same tree for tests and teaching.

What it decides: nothing. It keeps nodes in the order in which the caller hung them and the tree shallow.
Source: the textbook algorithm, in the variant that the 6.18 specification (section 5) spells out because the result
of an augmented tree depends on its exact shape; the plain tree has the same shape.

Invariants, checked by `rb_check` and named by the tests:
    I1  order: no key is smaller than the one before it in an in-order walk
    I2  no red node has a red child
    I3  every path from a node to a missing child crosses the same number of black nodes; the root is black
    I4  the number of nodes is what the owner says
    I5  `leftmost` is the first node of the walk, NULL exactly if the tree is empty
    I6  each child points back to its parent, and the root to none

Rejected: pointer-to-link descent (0.9 of the time at 3 and 10 nodes, 1.07 to 1.16 from 100 on); a less() pointer (6 to
21 % slower); 32-bit links in an arena (docs/decisions/0001). benchmarks/bench_rbtree.py prints these.
"""

from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from ._types cimport LEFT, RIGHT, rb_node, rb_root, uint64_t, uintptr_t
from ._rbtree cimport (
    RB_BLACK,
    rb_augment,
    rb_color,
    rb_insert,
    rb_is_red,
    rb_link_node,
    rb_parent,
)

# ------------------------------------------------------------------------------------------------- links and colour


cdef inline void set_parent(rb_node *node, rb_node *parent) noexcept nogil:
    node.parent_color = <uintptr_t>parent | (node.parent_color & 1)


cdef inline void set_parent_color(rb_node *node, rb_node *parent, int color) noexcept nogil:
    node.parent_color = <uintptr_t>parent | <uintptr_t>color


cdef inline void set_black(rb_node *node) noexcept nogil:
    node.parent_color |= RB_BLACK


cdef inline void set_red(rb_node *node) noexcept nogil:
    node.parent_color &= ~<uintptr_t>1


cdef inline void replace_child(rb_node *old, rb_node *new, rb_node *parent, rb_root *root) noexcept nogil:
    # `parent`, or the root if there is none, points to `new` where it pointed to `old`
    if parent == NULL:
        root.node = new
    else:
        parent.child[parent.child[RIGHT] == old] = new


cdef inline void rotate(rb_node *top, int side, rb_root *root, const rb_augment *augment) noexcept nogil:
    # The child of `top` on the other side rises above it, and `top` becomes its child on `side`. Colours stay.
    cdef rb_node *child = top.child[side ^ 1]
    cdef rb_node *inner = child.child[side]
    cdef rb_node *parent = rb_parent(top)
    top.child[side ^ 1] = inner
    if inner != NULL:
        set_parent(inner, top)
    child.child[side] = top
    replace_child(top, child, parent, root)
    set_parent(child, parent)
    set_parent(top, child)
    if augment != NULL:
        augment.rotate(top, child)

# --------------------------------------------------------------------------------------------------- insert, erase
# One body each, with `augment` a constant NULL in the plain variant, so the compiler drops what hangs on it.


cdef inline void insert_repair(rb_node *node, rb_root *root, const rb_augment *augment) noexcept nogil:
    # `node` is red; its parent may be red as well, which is the one thing that can be wrong (I2)
    cdef rb_node *parent = rb_parent(node)
    cdef rb_node *grandparent
    cdef rb_node *uncle
    cdef int side
    while rb_is_red(parent):
        grandparent = rb_parent(parent)
        side = grandparent.child[RIGHT] == parent
        uncle = grandparent.child[side ^ 1]
        if not rb_is_red(uncle):
            if parent.child[side ^ 1] == node:
                rotate(parent, side, root, augment)
                parent = node
            set_black(parent)
            set_red(grandparent)
            rotate(grandparent, side ^ 1, root, augment)
            break
        set_black(parent)
        set_black(uncle)
        set_red(grandparent)
        node = grandparent
        parent = rb_parent(node)
    set_black(root.node)


cdef inline void erase_repair(
    rb_node *parent, int side, rb_root *root, const rb_augment *augment, bint on_left_edge
) noexcept nogil:
    # The subtree of `parent` on `side` is one black node short (I3)
    cdef rb_node *sibling
    cdef rb_node *short_node
    while parent != NULL:
        sibling = parent.child[side ^ 1]
        if rb_is_red(sibling):
            set_black(sibling)
            set_red(parent)
            rotate(parent, side, root, augment)
            sibling = parent.child[side ^ 1]
        if not rb_is_red(sibling.child[LEFT]) and not rb_is_red(sibling.child[RIGHT]):
            set_red(sibling)
            if rb_is_red(parent):
                set_black(parent)
                return
            short_node = parent
            parent = rb_parent(short_node)
            if not on_left_edge and parent != NULL:
                side = parent.child[RIGHT] == short_node
            continue
        if not rb_is_red(sibling.child[side ^ 1]):
            # only the inner nephew is red: it becomes the sibling
            set_black(sibling.child[side])
            set_red(sibling)
            rotate(sibling, side ^ 1, root, augment)
            sibling = parent.child[side ^ 1]
        sibling.parent_color = (sibling.parent_color & ~<uintptr_t>1) | <uintptr_t>rb_color(parent)
        set_black(parent)
        set_black(sibling.child[side ^ 1])
        rotate(parent, side, root, augment)
        return


cdef inline void erase_with_two_children(rb_node *node, rb_root *root, const rb_augment *augment) noexcept nogil:
    # The successor, leftmost of the right subtree, takes place and colour of `node`
    cdef rb_node *successor = node.child[RIGHT]
    cdef rb_node *parent = rb_parent(node)
    cdef rb_node *vacated = successor               # the parent of the spot that the successor leaves
    cdef int vacated_side = RIGHT
    cdef rb_node *orphan
    cdef int color
    while successor.child[LEFT] != NULL:
        successor = successor.child[LEFT]
    orphan = successor.child[RIGHT]
    color = rb_color(successor)
    if augment != NULL:
        augment.copy(node, successor)
    if successor != node.child[RIGHT]:
        vacated = rb_parent(successor)
        vacated_side = LEFT
        vacated.child[LEFT] = orphan
        if orphan != NULL:
            set_parent(orphan, vacated)
        successor.child[RIGHT] = node.child[RIGHT]
        set_parent(successor.child[RIGHT], successor)
        if augment != NULL:
            augment.propagate(vacated, successor)
    successor.child[LEFT] = node.child[LEFT]
    set_parent(successor.child[LEFT], successor)
    replace_child(node, successor, parent, root)
    successor.parent_color = node.parent_color
    if augment != NULL:
        augment.propagate(successor, NULL)
    if orphan != NULL:
        set_black(orphan)                           # it was red: a lone child always is
    elif color == RB_BLACK:
        erase_repair(vacated, vacated_side, root, augment, False)


cdef inline void erase_from(rb_node *node, rb_root *root, const rb_augment *augment) noexcept nogil:
    cdef rb_node *parent
    cdef rb_node *child
    cdef int side = LEFT
    if node.child[LEFT] != NULL and node.child[RIGHT] != NULL:
        erase_with_two_children(node, root, augment)
        return
    parent = rb_parent(node)
    child = node.child[LEFT] if node.child[LEFT] != NULL else node.child[RIGHT]
    if parent != NULL:
        side = parent.child[RIGHT] == node
    replace_child(node, child, parent, root)
    if child != NULL:
        child.parent_color = node.parent_color      # red before, now as black as the node was
    if augment != NULL and parent != NULL:
        augment.propagate(parent, NULL)
    if child == NULL and rb_color(node) == RB_BLACK:
        erase_repair(parent, side, root, augment, False)


cdef inline void forget_leftmost(rb_node *node, rb_root *root) noexcept nogil:
    # The leftmost has no left child, so its right child, if any, is a lone red leaf: the next one
    if root.leftmost == node:
        root.leftmost = node.child[RIGHT] if node.child[RIGHT] != NULL else rb_parent(node)


cdef void rb_insert_repair(rb_node *node, rb_root *root) noexcept nogil:
    insert_repair(node, root, NULL)


cdef inline void erase_leftmost(rb_node *node, rb_root *root) noexcept nogil:
    # Everything above the leftmost lies on the left edge, so every side is known
    cdef rb_node *parent = rb_parent(node)
    cdef rb_node *child = node.child[RIGHT]
    if child != NULL:
        child.parent_color = node.parent_color
    root.leftmost = child if child != NULL else parent
    if parent == NULL:
        root.node = child
        return
    parent.child[LEFT] = child
    if child == NULL and rb_color(node) == RB_BLACK:
        erase_repair(parent, LEFT, root, NULL, True)


cdef void rb_erase(rb_node *node, rb_root *root) noexcept nogil:
    # the leftmost is what a pick takes out: 1 to 2 ns less on its own path
    if root.leftmost == node:
        erase_leftmost(node, root)
    else:
        erase_from(node, root, NULL)


cdef void rb_insert_augmented(rb_node *node, rb_root *root, bint leftmost, const rb_augment *augment) noexcept nogil:
    # `node` has been linked and holds the value of itself alone
    if leftmost:
        root.leftmost = node
    if rb_parent(node) != NULL:
        augment.propagate(rb_parent(node), NULL)
    insert_repair(node, root, augment)


cdef void rb_erase_augmented(rb_node *node, rb_root *root, const rb_augment *augment) noexcept nogil:
    forget_leftmost(node, root)
    erase_from(node, root, augment)

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
