# The intrusive red-black tree. A node is part of the struct that it orders; nothing is allocated.
#
# A user writes its own descent (a dozen lines, its own key), links the node with rb_link_node and calls rb_insert. See
# tree_enqueue in models/linux_2_6_23/_fair.pyx.
# The augmented pair at the end keeps a value of each subtree (EEVDF: the earliest vruntime) through three callbacks.

from ._types cimport LEFT, RIGHT, rb_node, rb_root, uintptr_t

cdef enum:
    RB_RED = 0
    RB_BLACK = 1


# What an augmented tree has to do beside the plain one. Each is called after the links have changed.
cdef struct rb_augment:
    void (*propagate)(rb_node *node, rb_node *stop) noexcept nogil  # recompute upwards, ending before `stop`
    void (*copy)(rb_node *old, rb_node *new) noexcept nogil         # `new` takes the place of `old`
    void (*rotate)(rb_node *old, rb_node *new) noexcept nogil       # `new` has been rotated above `old`


cdef inline rb_node *rb_parent(const rb_node *node) noexcept nogil:
    return <rb_node *>(node.parent_color & ~<uintptr_t>1)


cdef inline int rb_color(const rb_node *node) noexcept nogil:
    return <int>(node.parent_color & 1)


cdef inline bint rb_is_red(const rb_node *node) noexcept nogil:
    # a missing child counts as black
    return node != NULL and not (node.parent_color & 1)


cdef inline void rb_link_node(rb_node *node, rb_node *parent, int side, rb_root *root) noexcept nogil:
    # hang `node`, red, under `parent` (NULL: the tree is empty)
    node.parent_color = <uintptr_t>parent
    node.child[LEFT] = NULL
    node.child[RIGHT] = NULL
    if parent == NULL:
        root.node = node
    else:
        parent.child[side] = node


cdef inline void rb_plant(rb_node *node, rb_root *root) noexcept nogil:
    # into an empty tree
    node.parent_color = RB_BLACK
    node.child[LEFT] = NULL
    node.child[RIGHT] = NULL
    root.node = root.leftmost = node


cdef void rb_insert_repair(rb_node *node, rb_root *root) noexcept nogil


cdef inline void rb_insert(rb_node *node, rb_root *root, bint leftmost) noexcept nogil:
    # `node` has been linked; `leftmost`: its descent went left all the way. Under a black parent nothing is wrong.
    if leftmost:
        root.leftmost = node
    if rb_parent(node) == NULL:
        node.parent_color = RB_BLACK
    elif rb_is_red(rb_parent(node)):
        rb_insert_repair(node, root)


cdef void rb_erase(rb_node *node, rb_root *root) noexcept nogil

cdef rb_node *rb_next(const rb_node *node) noexcept nogil
cdef rb_node *rb_prev(const rb_node *node) noexcept nogil
cdef rb_node *rb_last(const rb_root *root) noexcept nogil

# 0, or the number of the first broken invariant I1 ... I6 of _rbtree.pyx; `before(a, b)` says that a's key is
# smaller than b's, `size` is the number of nodes there should be
cdef int rb_check(const rb_root *root, size_t size, bint (*before)(const rb_node *a, const rb_node *b) noexcept nogil) noexcept nogil

# The two repairs are here, inline, one body for all: `augment` is NULL in the plain tree (_rbtree.pyx), and a local
# struct of its own inline functions in a class, so the compiler drops or inlines what hangs on it.

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


cdef inline void erase_leftmost(rb_node *node, rb_root *root, const rb_augment *augment) noexcept nogil:
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
    if augment != NULL:
        augment.propagate(parent, NULL)
    if child == NULL and rb_color(node) == RB_BLACK:
        erase_repair(parent, LEFT, root, augment, True)

# ------------------------------------------------------------------------------------------------ the augmented pair


cdef inline void rb_insert_augmented(rb_node *node, rb_root *root, bint leftmost, const rb_augment *augment) noexcept nogil:
    # `node` has been linked and holds the value of itself alone
    if leftmost:
        root.leftmost = node
    if rb_parent(node) != NULL:
        augment.propagate(rb_parent(node), NULL)
    insert_repair(node, root, augment)


cdef inline void rb_erase_augmented(rb_node *node, rb_root *root, const rb_augment *augment) noexcept nogil:
    # The leftmost is what a pick takes out most: 1 to 2 ns less on its own path. NULL: of the plain tree
    if root.leftmost == node:
        erase_leftmost(node, root, augment)
    else:
        erase_from(node, root, augment)
