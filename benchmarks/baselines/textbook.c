/* See textbook.h. The tree follows any textbook: insert as a red leaf and repair upwards, erase by moving the
 * successor and repair upwards, the mirror cases written out. The search keeps a pointer to the link that it
 * came through. */

#include <stddef.h>

#include "textbook.h"

/* ------------------------------------------------------------------------------------- the tree */

static int is_red(const struct tb_node *node)
{
    return node != NULL && node->red;
}

static struct tb_node **link_to(struct tb_queue *queue, struct tb_node *node)
{
    /* where the pointer to `node` is kept */
    if (node->parent == NULL)
        return &queue->root;
    return node->parent->left == node ? &node->parent->left : &node->parent->right;
}

static void rotate_left(struct tb_queue *queue, struct tb_node *node)
{
    struct tb_node *up = node->right;
    *link_to(queue, node) = up;
    up->parent = node->parent;
    node->right = up->left;
    if (node->right != NULL)
        node->right->parent = node;
    up->left = node;
    node->parent = up;
}

static void rotate_right(struct tb_queue *queue, struct tb_node *node)
{
    struct tb_node *up = node->left;
    *link_to(queue, node) = up;
    up->parent = node->parent;
    node->left = up->right;
    if (node->left != NULL)
        node->left->parent = node;
    up->right = node;
    node->parent = up;
}

static void repair_insert(struct tb_queue *queue, struct tb_node *node)
{
    while (is_red(node->parent)) {
        struct tb_node *parent = node->parent;
        struct tb_node *grand = parent->parent;
        struct tb_node *uncle = grand->left == parent ? grand->right : grand->left;
        if (is_red(uncle)) {
            parent->red = 0;
            uncle->red = 0;
            grand->red = 1;
            node = grand;
        } else if (grand->left == parent) {
            if (parent->right == node) {
                rotate_left(queue, parent);
                parent = node;
            }
            parent->red = 0;
            grand->red = 1;
            rotate_right(queue, grand);
            break;
        } else {
            if (parent->left == node) {
                rotate_right(queue, parent);
                parent = node;
            }
            parent->red = 0;
            grand->red = 1;
            rotate_left(queue, grand);
            break;
        }
    }
    queue->root->red = 0;
}

static void repair_erase(struct tb_queue *queue, struct tb_node *node, struct tb_node *parent)
{
    /* `node`, which may be missing, is one black short */
    while (parent != NULL && !is_red(node)) {
        struct tb_node *other;
        if (parent->left == node) {
            other = parent->right;
            if (other->red) {
                other->red = 0;
                parent->red = 1;
                rotate_left(queue, parent);
                other = parent->right;
            }
            if (!is_red(other->left) && !is_red(other->right)) {
                other->red = 1;
                node = parent;
                parent = node->parent;
                continue;
            }
            if (!is_red(other->right)) {
                other->left->red = 0;
                other->red = 1;
                rotate_right(queue, other);
                other = parent->right;
            }
            other->red = parent->red;
            parent->red = 0;
            other->right->red = 0;
            rotate_left(queue, parent);
        } else {
            other = parent->left;
            if (other->red) {
                other->red = 0;
                parent->red = 1;
                rotate_right(queue, parent);
                other = parent->left;
            }
            if (!is_red(other->left) && !is_red(other->right)) {
                other->red = 1;
                node = parent;
                parent = node->parent;
                continue;
            }
            if (!is_red(other->left)) {
                other->right->red = 0;
                other->red = 1;
                rotate_left(queue, other);
                other = parent->left;
            }
            other->red = parent->red;
            parent->red = 0;
            other->left->red = 0;
            rotate_right(queue, parent);
        }
        return;
    }
    if (node != NULL)
        node->red = 0;
}

struct tb_node *tb_next(struct tb_node *node)
{
    if (node->right != NULL) {
        node = node->right;
        while (node->left != NULL)
            node = node->left;
        return node;
    }
    while (node->parent != NULL && node->parent->right == node)
        node = node->parent;
    return node->parent;
}

static void erase_node(struct tb_queue *queue, struct tb_node *node)
{
    struct tb_node *child, *parent;
    int red = node->red;
    if (node->left != NULL && node->right != NULL) {
        struct tb_node *heir = tb_next(node);
        red = heir->red;
        child = heir->right;
        parent = heir->parent == node ? heir : heir->parent;
        *link_to(queue, heir) = child;
        if (child != NULL)
            child->parent = heir->parent;
        heir->left = node->left;
        heir->right = node->right;
        heir->red = node->red;
        *link_to(queue, node) = heir;
        heir->parent = node->parent;
        heir->left->parent = heir;
        if (heir->right != NULL)
            heir->right->parent = heir;
    } else {
        child = node->left != NULL ? node->left : node->right;
        parent = node->parent;
        *link_to(queue, node) = child;
        if (child != NULL)
            child->parent = parent;
    }
    if (!red)
        repair_erase(queue, child, parent);
}

void tb_erase(struct tb_queue *queue, struct tb_entity *entity)
{
    if (queue->leftmost == &entity->node)
        queue->leftmost = tb_next(&entity->node);
    erase_node(queue, &entity->node);
}

void tb_insert(struct tb_queue *queue, struct tb_entity *entity)
{
    /* behind equal keys; keys wrap, so their distances from the floor are compared */
    struct tb_node **link = &queue->root;
    struct tb_node *parent = NULL;
    int64_t key = (int64_t)(entity->vruntime - queue->floor);
    int first = 1;
    while (*link != NULL) {
        parent = *link;
        if (key < (int64_t)(((struct tb_entity *)parent)->vruntime - queue->floor)) {
            link = &parent->left;
        } else {
            link = &parent->right;
            first = 0;
        }
    }
    entity->node.parent = parent;
    entity->node.left = NULL;
    entity->node.right = NULL;
    entity->node.red = 1;
    *link = &entity->node;
    if (first)
        queue->leftmost = &entity->node;
    repair_insert(queue, &entity->node);
}

/* ------------------------------------------------------------------------------- the accounting */

static uint64_t weighted(uint64_t delta, const struct tb_entity *entity)
{
    /* delta * 1024 / weight as a product with the inverse, rounded; in two steps where it is large */
    uint64_t product = delta * 1024;
    if (entity->weight == 1024)
        return delta;
    if (product > (uint64_t)1 << 32)
        return (((product + (1 << 15)) >> 16) * entity->inverse + (1 << 15)) >> 16;
    return (product * entity->inverse + ((uint64_t)1 << 31)) >> 32;
}

static uint64_t divided(uint64_t delta, const struct tb_entity *entity)
{
    return delta * 1024 / entity->weight;
}

static inline void charge(struct tb_cpu *cpu, struct tb_entity *entity, int dividing)
{
    struct tb_queue *queue = entity->queue;
    uint64_t delta = cpu->clock - entity->since;
    uint64_t least;
    entity->ran += delta;
    entity->vruntime += dividing ? divided(delta, entity) : weighted(delta, entity);
    entity->since = cpu->clock;
    least = entity->vruntime;
    if (queue->leftmost != NULL) {
        uint64_t other = ((struct tb_entity *)queue->leftmost)->vruntime;
        if ((int64_t)(other - least) < 0)
            least = other;
    }
    if ((int64_t)(least - queue->floor) > 0)
        queue->floor = least;
}

static inline void switch_task(struct tb_cpu *cpu, uint64_t now, int dividing)
{
    struct tb_entity *entity;
    struct tb_queue *queue = &cpu->top;
    cpu->clock = now;
    for (entity = cpu->running; entity != NULL; entity = entity->parent) {
        charge(cpu, entity, dividing);
        tb_insert(entity->queue, entity);
        entity->queue->running = NULL;
    }
    while (queue != NULL) {
        entity = (struct tb_entity *)queue->leftmost;
        tb_erase(queue, entity);
        entity->since = now;
        entity->ran_before = entity->ran;
        queue->running = entity;
        queue = entity->own;
    }
    if (entity != cpu->running)
        cpu->nr_switches++;
    cpu->running = entity;
}

uint64_t tb_run(struct tb_cpu *cpu, uint64_t random, uint64_t steps)
{
    uint64_t now = cpu->clock;
    while (steps-- > 0) {
        random = random_after(random);
        now += run_length(random);
        switch_task(cpu, now, 0);
    }
    return random;
}

uint64_t tb_run_dividing(struct tb_cpu *cpu, uint64_t random, uint64_t steps)
{
    uint64_t now = cpu->clock;
    while (steps-- > 0) {
        random = random_after(random);
        now += run_length(random);
        switch_task(cpu, now, 1);
    }
    return random;
}

/* ------------------------------------------------------------------------------------- the events */

enum {
    LATENCY = 20000000,             /* ns; the defaults of Linux 2.6.24 */
    NR_LATENCY = 5,
    WAKEUP_GRANULARITY = 10000000
};

static uint64_t period(uint64_t nr)
{
    return nr > NR_LATENCY ? LATENCY * nr / NR_LATENCY : LATENCY;
}

static void charge_running(struct tb_cpu *cpu)
{
    if (cpu->running != NULL)
        charge(cpu, cpu->running, cpu->dividing);
}

static void join(struct tb_cpu *cpu, struct tb_entity *entity)
{
    charge_running(cpu);
    tb_insert(&cpu->top, entity);
    cpu->top.load += entity->weight;
    cpu->top.nr++;
}

static void reschedule(struct tb_cpu *cpu, struct tb_entity *leaver)
{
    /* put the running task back, unless it has left, and pick */
    struct tb_entity *before = cpu->running;
    if (before != NULL && before != leaver) {
        charge(cpu, before, cpu->dividing);
        tb_insert(&cpu->top, before);
    }
    cpu->flagged = 0;
    cpu->running = (struct tb_entity *)cpu->top.leftmost;
    if (cpu->running != NULL) {
        tb_erase(&cpu->top, cpu->running);
        cpu->running->since = cpu->clock;
        cpu->running->ran_before = cpu->running->ran;
    }
    cpu->top.running = cpu->running;
    if (cpu->running != before)
        cpu->nr_switches++;
}

static void leave(struct tb_cpu *cpu)
{
    struct tb_entity *entity = cpu->running;
    charge(cpu, entity, cpu->dividing);
    cpu->top.load -= entity->weight;
    cpu->top.nr--;
    reschedule(cpu, entity);
}

static void place_woken(struct tb_cpu *cpu, struct tb_entity *entity)
{
    uint64_t least;
    charge_running(cpu);
    least = cpu->top.floor - LATENCY;
    if ((int64_t)(least - entity->vruntime) > 0)
        entity->vruntime = least;
}

static void wake(struct tb_cpu *cpu, struct tb_entity *entity, int may_preempt)
{
    struct tb_entity *running = cpu->running;
    place_woken(cpu, entity);
    join(cpu, entity);
    if (running == NULL)
        cpu->flagged = may_preempt;
    else if (may_preempt)
        cpu->flagged = entity->vruntime + weighted(WAKEUP_GRANULARITY, running) < running->vruntime;
    if (cpu->flagged)
        reschedule(cpu, NULL);
}

static void tick(struct tb_cpu *cpu)
{
    struct tb_entity *entity = cpu->running;
    charge_running(cpu);
    if (cpu->top.nr > 1) {
        uint64_t slice = period(cpu->top.nr) * entity->weight / (uint32_t)cpu->top.load;
        if (entity->ran - entity->ran_before > slice)
            cpu->flagged = 1;
    }
}

static void fork_child(struct tb_cpu *cpu, struct tb_entity *child)
{
    struct tb_entity *parent = cpu->running;
    uint64_t load = cpu->top.load + parent->weight;
    child->weight = parent->weight;
    child->inverse = parent->inverse;
    child->ran = 0;
    child->queue = &cpu->top;
    child->parent = NULL;
    charge_running(cpu);
    child->vruntime = cpu->top.floor + period(cpu->top.nr + 1) * 1024 / (uint32_t)load;
    if (parent->vruntime < child->vruntime) {       /* the child runs first */
        uint64_t vruntime = parent->vruntime;
        parent->vruntime = child->vruntime;
        child->vruntime = vruntime;
    }
    join(cpu, child);
    reschedule(cpu, NULL);
}

uint64_t tb_run_ticks(struct tb_cpu *cpu, uint64_t random, uint64_t steps)
{
    while (steps-- > 0) {
        random = random_after(random);
        cpu->clock += run_length(random);
        tick(cpu);
        cpu->flagged = 0;
    }
    return random;
}

uint64_t tb_run_cycles(struct tb_cpu *cpu, struct tb_entity **sleeper, uint64_t random, uint64_t steps)
{
    while (steps-- > 0) {
        random = random_after(random);
        cpu->clock += run_length(random);
        wake(cpu, *sleeper, 1);
        cpu->clock += 1000;
        *sleeper = cpu->running;
        leave(cpu);
    }
    return random;
}

uint64_t tb_run_forks(struct tb_cpu *cpu, struct tb_entity **pool, uint64_t random, uint64_t steps)
{
    while (steps-- > 0) {
        struct tb_entity *entity = *pool;
        *pool = entity->parent;
        random = random_after(random);
        cpu->clock += run_length(random);
        fork_child(cpu, entity);
        cpu->clock += 1000;
        entity = cpu->running;
        leave(cpu);
        entity->parent = *pool;
        *pool = entity;
    }
    return random;
}

uint64_t tb_run_ring(struct tb_cpu *cpu, struct tb_entity **ring, uint64_t nr, uint64_t *place, uint64_t random,
                     uint64_t steps)
{
    /* each wakes the next and blocks; the waker says that it is about to sleep, so nobody is preempted */
    uint64_t at = *place;
    while (steps-- > 0) {
        random = random_after(random);
        cpu->clock += run_length(random);
        at = at + 1 == nr ? 0 : at + 1;
        wake(cpu, ring[at], 0);
        leave(cpu);
    }
    *place = at;
    return random;
}

/* -------------------------------------------------------------------------------------- the heap */

static int item_before(const struct heap_item *a, const struct heap_item *b)
{
    int64_t distance = (int64_t)(a->vruntime - b->vruntime);
    return distance != 0 ? distance < 0 : a->sequence < b->sequence;
}

static void heap_set(struct heap_cpu *heap, uint64_t at, struct heap_item item)
{
    heap->items[at] = item;
    heap->place[item.entity - heap->entities] = at;
}

static void heap_up(struct heap_cpu *heap, uint64_t at, struct heap_item item)
{
    while (at > 0 && item_before(&item, &heap->items[(at - 1) / 2])) {
        heap_set(heap, at, heap->items[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_set(heap, at, item);
}

static void heap_down(struct heap_cpu *heap, uint64_t at, struct heap_item item)
{
    for (;;) {
        uint64_t child = 2 * at + 1;
        if (child >= heap->nr)
            break;
        if (child + 1 < heap->nr && item_before(&heap->items[child + 1], &heap->items[child]))
            child++;
        if (!item_before(&heap->items[child], &item))
            break;
        heap_set(heap, at, heap->items[child]);
        at = child;
    }
    heap_set(heap, at, item);
}

void heap_put(struct heap_cpu *heap, struct tb_entity *entity)
{
    struct heap_item item = {entity->vruntime, heap->sequence++, entity};
    heap_up(heap, heap->nr++, item);
}

void heap_take(struct heap_cpu *heap, struct tb_entity *entity)
{
    uint64_t at = heap->place[entity - heap->entities];
    struct heap_item last = heap->items[--heap->nr];
    if (at == heap->nr)
        return;
    if (at > 0 && item_before(&last, &heap->items[(at - 1) / 2]))
        heap_up(heap, at, last);
    else
        heap_down(heap, at, last);
}

static void heap_switch(struct heap_cpu *heap, uint64_t now)
{
    struct tb_entity *entity = heap->cpu.running;
    uint64_t delta = now - entity->since, least, *floor = &heap->cpu.top.floor;
    heap->cpu.clock = now;
    entity->ran += delta;
    entity->vruntime += weighted(delta, entity);
    entity->since = now;
    least = entity->vruntime;
    if (heap->nr > 0 && (int64_t)(heap->items[0].vruntime - least) < 0)
        least = heap->items[0].vruntime;
    if ((int64_t)(least - *floor) > 0)
        *floor = least;
    heap_put(heap, entity);
    entity = heap->items[0].entity;
    heap_take(heap, entity);
    entity->since = now;
    entity->ran_before = entity->ran;
    if (entity != heap->cpu.running)
        heap->cpu.nr_switches++;
    heap->cpu.running = entity;
}

uint64_t heap_run(struct heap_cpu *heap, uint64_t random, uint64_t steps)
{
    uint64_t now = heap->cpu.clock;
    while (steps-- > 0) {
        random = random_after(random);
        now += run_length(random);
        heap_switch(heap, now);
    }
    return random;
}

uint64_t tb_run_empty(uint64_t *clock, uint64_t random, uint64_t steps)
{
    while (steps-- > 0) {
        random = random_after(random);
        *(volatile uint64_t *)clock += run_length(random);
    }
    return random;
}

void counting_window(void (*work)(void *), void *argument)
{
    work(argument);
    __asm__ volatile("" ::: "memory");      /* so that the call is a call, not a jump */
}
