/* A fair scheduler as a C programmer would write it from a textbook: the baseline of bench_switch.py.
 *
 * A red-black tree with parent pointers, every tree operation in its plain form; an entity that runs is taken
 * out of the tree and put back after its run, at every level. Nothing is clever except that the leftmost node
 * is remembered. The unit is the same as in cfs: times in ns, virtual times in ns of a task of weight 1024,
 * both modulo 2**64.
 */
#ifndef TEXTBOOK_H
#define TEXTBOOK_H

#include <stdint.h>

struct tb_queue;

struct tb_node {
    struct tb_node *parent;
    struct tb_node *left;
    struct tb_node *right;
    int red;
};

struct tb_entity {
    struct tb_node node;            /* first: a node is cast to its entity */
    uint64_t vruntime;
    uint64_t weight;
    uint64_t inverse;               /* about 2**32 / weight */
    uint64_t since;                 /* when the present run, or its last charge, began */
    uint64_t ran;                   /* real time received */
    uint64_t ran_before;            /* `ran` when the present turn began */
    struct tb_queue *queue;         /* where it waits */
    struct tb_entity *parent;       /* the group's entity, NULL at the top */
    struct tb_queue *own;           /* a group's queue, NULL in a task */
};

struct tb_queue {
    struct tb_node *root;
    struct tb_node *leftmost;
    struct tb_entity *running;
    uint64_t floor;                 /* a lower mark of vruntime that never goes back */
    uint64_t load;                  /* sum of the weights, the running one's included */
    uint64_t nr;                    /* how many */
};

struct tb_cpu {
    struct tb_queue top;
    struct tb_entity *running;      /* the running task */
    uint64_t clock;
    uint64_t nr_switches;
    int flagged;                    /* the running task shall be rescheduled */
    int dividing;                   /* a division in each charge, in place of the product */
};

void tb_insert(struct tb_queue *queue, struct tb_entity *entity);
void tb_erase(struct tb_queue *queue, struct tb_entity *entity);
struct tb_node *tb_next(struct tb_node *node);

/* `steps` context switches after random run lengths; returns the state of the random numbers. The second one
 * divides in each charge where the first multiplies with an inverse. */
uint64_t tb_run(struct tb_cpu *cpu, uint64_t random, uint64_t steps);
uint64_t tb_run_dividing(struct tb_cpu *cpu, uint64_t random, uint64_t steps);

/* The switch, flat, with a binary heap in place of the tree, that does what the tree does: any entity can be
 * taken out (each knows its place), and equal keys leave in the order in which they came (a sequence number). */
struct heap_item {
    uint64_t vruntime;
    uint64_t sequence;
    struct tb_entity *entity;
};

struct heap_cpu {
    struct heap_item *items;        /* the waiting ones, the least first */
    uint64_t *place;                /* of each entity: its index in `items` */
    struct tb_entity *entities;
    uint64_t nr;
    uint64_t sequence;
    struct tb_cpu cpu;
};

void heap_put(struct heap_cpu *heap, struct tb_entity *entity);
void heap_take(struct heap_cpu *heap, struct tb_entity *entity);
uint64_t heap_run(struct heap_cpu *heap, uint64_t random, uint64_t steps);

/* Events, flat: what bench_events.py compares. The caller keeps who sleeps, who is free (a chain by `parent`)
 * and whose turn in the ring it is. */
uint64_t tb_run_ticks(struct tb_cpu *cpu, uint64_t random, uint64_t steps);
uint64_t tb_run_cycles(struct tb_cpu *cpu, struct tb_entity **sleeper, uint64_t random, uint64_t steps);
uint64_t tb_run_forks(struct tb_cpu *cpu, struct tb_entity **pool, uint64_t random, uint64_t steps);
uint64_t tb_run_ring(struct tb_cpu *cpu, struct tb_entity **ring, uint64_t nr, uint64_t *place, uint64_t random,
                     uint64_t steps);

/* the random numbers and the clock alone: what the loop itself costs */
uint64_t tb_run_empty(uint64_t *clock, uint64_t random, uint64_t steps);

/* One step of the random numbers (xorshift, 64 bit) and the run length made of it: 1 us ... 8.4 ms. */
static inline uint64_t random_after(uint64_t x)
{
    x ^= x << 13;
    x ^= x >> 7;
    return x ^ (x << 17);
}

static inline uint64_t run_length(uint64_t x)
{
    return 1000 + (x >> 41);
}

/* For benchmarks/instructions.py: callgrind collects while this function is on the stack. */
void counting_window(void (*work)(void *), void *argument);

#endif
