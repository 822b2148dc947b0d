"""The queue's tree of Linux 6.18, twice: as it should be, and as it is (specification, section 5).

Both keep waiting entities by deadline, equal ones in order of arrival, and know the least slice of all.
`ExactTree` computes that, so any order will do, and a `SortedKeyList` is the tree.  `KernelTree` is the
kernel's red-black tree with the kernel's mistake: each node knows the least slice of its subtree, but
when a node takes the place of another the knowledge is not handed over.  What the queue then believes
depends on the exact shape of the tree, so the shape is made here step by step, from the table of the
specification, with a node for each entity and the words of a textbook: parent, sibling, nephew.

The earliest vruntime, which the kernel keeps in the same nodes, is always right there.  The twin takes
the minimum where it needs it.  One thing of it can be seen, though: the walk upwards stops when *all*
values of a node are unchanged, so `KernelTree` keeps it after all.
"""

from operator import attrgetter

from sortedcontainers import SortedKeyList

LEFT, RIGHT = 0, 1


class ExactTree:
    """Waiting entities by deadline, and the true least slice."""

    def __init__(self):
        self.entities = SortedKeyList(key=attrgetter("deadline"))

    def __iter__(self):
        return iter(self.entities)

    def __len__(self):
        return len(self.entities)

    def add(self, entity):
        """Behind all equal deadlines, which is where `SortedKeyList` puts it."""
        self.entities.add(entity)

    def remove(self, entity):
        self.entities.remove(entity)

    def slice_changed(self, entity):
        """Nothing is remembered, so nothing has to be mended."""

    def least_slice(self):
        return min((entity.slice for entity in self.entities), default=None)

    def greatest_slice(self):
        return max((entity.slice for entity in self.entities), default=0)


class Node:
    """An entity's place in the tree."""

    def __init__(self, entity):
        self.entity = entity
        self.parent = None
        self.child = [None, None]
        self.red = True
        self.vruntime = entity.vruntime  # the earliest of the subtree
        self.slice = entity.slice  # the least of the subtree, as far as the kernel knows

    def side(self):
        """On which side of its parent?"""
        return LEFT if self.parent.child[LEFT] is self else RIGHT

    def recompute(self, *, has_greatest):
        """The values from the entity and the children; True if anything is new."""
        children = [child for child in self.child if child is not None]
        before = self.vruntime, self.slice, self.entity.max_slice
        self.vruntime = min([self.entity.vruntime, *(child.vruntime for child in children)])
        self.slice = min([self.entity.slice, *(child.slice for child in children)])
        if has_greatest:
            self.entity.max_slice = max([self.entity.slice, *(child.entity.max_slice for child in children)])
        return (self.vruntime, self.slice, self.entity.max_slice) != before


def is_red(node):
    return node is not None and node.red


class KernelTree:
    """Waiting entities by deadline, and the least slice as the kernel believes it.

    Since 6.18.26 it has the greatest slice, too, with the same mistake and one more: it stands in the entity
    (`max_slice`), where `add` leaves what an earlier tree, or the parent, has put there.
    """

    def __init__(self, *, has_greatest=False):
        self.has_greatest = has_greatest
        self.root = None
        self.nodes = {}

    def __len__(self):
        return len(self.nodes)

    def __iter__(self):
        below, node = [], self.root
        while below or node is not None:
            while node is not None:
                below.append(node)
                node = node.child[LEFT]
            node = below.pop()
            yield node.entity
            node = node.child[RIGHT]

    def least_slice(self):
        return None if self.root is None else self.root.slice

    def greatest_slice(self):
        return 0 if self.root is None else self.root.entity.max_slice

    def slice_changed(self, entity):
        self.walk(self.nodes[entity])

    # -- links and values --

    def walk(self, node, stop=None):
        """Recompute upwards, before `stop`, until nothing is new."""
        while node is not stop and node is not None and node.recompute(has_greatest=self.has_greatest):
            node = node.parent

    def put_in_place_of(self, old, new):
        """The parent of `old`, or the tree, points to `new`, which may be None."""
        if old.parent is None:
            self.root = new
        else:
            old.parent.child[old.side()] = new
        if new is not None:
            new.parent = old.parent

    def rotate_above(self, child):
        """The child takes the place of its parent, which becomes its child.  Colours stay.

        The kernel's mistake, first place: `child.slice` is not made that of the parent.
        """
        parent, side = child.parent, child.side()
        inner = child.child[1 - side]
        self.put_in_place_of(parent, child)
        parent.child[side] = inner
        if inner is not None:
            inner.parent = parent
        child.child[1 - side] = parent
        parent.parent = child
        child.vruntime = parent.vruntime
        parent.recompute(has_greatest=self.has_greatest)

    # -- in --

    def add(self, entity):
        node = self.nodes[entity] = Node(entity)
        at, side = self.root, LEFT
        while at is not None:
            node.parent = at
            side = LEFT if entity.deadline < at.entity.deadline else RIGHT
            at = at.child[side]
        if node.parent is None:
            self.root = node
        else:
            node.parent.child[side] = node
        self.walk(node.parent)
        self.repair_after_insert(node)

    def repair_after_insert(self, node):
        """A red node must not have a red parent."""
        while is_red(node.parent):
            parent, grandparent = node.parent, node.parent.parent
            uncle = grandparent.child[1 - parent.side()]
            if is_red(uncle):
                parent.red = uncle.red = False
                grandparent.red = True
                node = grandparent
                continue
            if node.side() != parent.side():
                self.rotate_above(node)
                parent = node
            self.rotate_above(parent)
            parent.red, grandparent.red = False, True
            break
        self.root.red = False

    # -- out --

    def remove(self, entity):
        node = self.nodes.pop(entity)
        if None not in node.child:
            self.remove_with_two_children(node)
            return
        child = node.child[LEFT] or node.child[RIGHT]
        parent, side = node.parent, None if node.parent is None else node.side()
        self.put_in_place_of(node, child)
        if child is not None:
            child.red = node.red
        self.walk(parent)
        if child is None and not node.red:
            self.repair_after_erase(parent, side)

    def remove_with_two_children(self, node):
        """The next in order takes the place, and the colour, of the node.

        The kernel's mistake, second place: nor is its `slice` made that of the node.
        """
        heir = node.child[RIGHT]
        while heir.child[LEFT] is not None:
            heir = heir.child[LEFT]
        heir.vruntime = node.vruntime
        orphan, was_red = heir.child[RIGHT], heir.red
        short, side = heir, RIGHT  # where a black node will be missing, if one will
        if heir is not node.child[RIGHT]:
            short, side = heir.parent, LEFT
            self.put_in_place_of(heir, orphan)
            heir.child[RIGHT] = node.child[RIGHT]
            heir.child[RIGHT].parent = heir
            self.walk(short, stop=heir)
        heir.child[LEFT] = node.child[LEFT]
        heir.child[LEFT].parent = heir
        self.put_in_place_of(node, heir)
        heir.red = node.red
        self.walk(heir)
        if orphan is not None:
            orphan.red = False
        elif not was_red:
            self.repair_after_erase(short, side)

    def repair_after_erase(self, parent, side):
        """The paths through `parent` on this side have one black node less than all others."""
        while parent is not None:
            sibling = parent.child[1 - side]
            if sibling.red:
                self.rotate_above(sibling)
                sibling.red, parent.red = False, True
                sibling = parent.child[1 - side]
            inner, outer = sibling.child[side], sibling.child[1 - side]
            if is_red(inner) or is_red(outer):
                self.lend_a_nephew(parent, sibling, inner, outer)
                return
            sibling.red = True
            if parent.red:
                parent.red = False
                return
            side = None if parent.parent is None else parent.side()
            parent = parent.parent

    def lend_a_nephew(self, parent, sibling, inner, outer):
        if not is_red(outer):
            self.rotate_above(inner)
            sibling, outer = inner, sibling
        self.rotate_above(sibling)
        sibling.red = parent.red
        parent.red = outer.red = False
