# Floor 1: the intrusive red-black tree. A node lies in the struct that it orders; nothing is allocated.
#
# A user writes its own descent (a dozen lines, its own key), links the node with rb_link_node and calls rb_insert. See
# tree_enqueue in classes/_fair.pyx.
# The augmented pair keeps a value of each subtree (EEVDF: the least vruntime) through three callbacks.

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
cdef void rb_insert_augmented(rb_node *node, rb_root *root, bint leftmost, const rb_augment *augment) noexcept nogil
cdef void rb_erase_augmented(rb_node *node, rb_root *root, const rb_augment *augment) noexcept nogil

cdef rb_node *rb_next(const rb_node *node) noexcept nogil
cdef rb_node *rb_prev(const rb_node *node) noexcept nogil
cdef rb_node *rb_last(const rb_root *root) noexcept nogil

# 0, or the number of the first broken invariant I1 ... I6 of _rbtree.pyx; `before(a, b)` says that a's key is
# smaller than b's, `size` is the number of nodes there should be
cdef int rb_check(const rb_root *root, size_t size, bint (*before)(const rb_node *a, const rb_node *b) noexcept nogil) noexcept nogil
