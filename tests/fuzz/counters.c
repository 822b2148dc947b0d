/* What the compiled modules call when they are built with CFS_FUZZ=1, and where it goes: to libFuzzer inside
   of atheris.

   gcc knows -fsanitize-coverage=trace-pc (a call in every basic block) and trace-cmp (a call before every
   comparison). libFuzzer of today no longer takes the first, so blocks are counted here, in an array of 8-bit
   counters that libFuzzer is told about; comparisons are handed on. libasan, which must be preloaded, has
   functions of the same names that do nothing: this library is preloaded before it and so is found first. All
   that atheris sends to libFuzzer comes by here for the same reason, and is handed on too.

   Rejected: clang, which needs none of this, but is a second compiler to install. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stddef.h>

#define NR (1u << 17) /* blocks; a few thousand of the 60 000 we have share one */

static uint8_t counters[NR];
static struct { uintptr_t pc, flags; } pcs[NR];

void __sanitizer_cov_trace_pc(void)
{
    uint64_t pc = (uint64_t)(uintptr_t)__builtin_return_address(0);
    counters[(pc * 0x9e3779b97f4a7c15u) >> (64 - 17)]++;
}

/* Handed on by a jump (at -O2), so that libFuzzer sees the address of the comparison and not one of ours. */
#define TWO(name, type) \
    static void (*to_##name)(type, type); \
    void __sanitizer_cov_##name(type a, type b) \
    { \
        if (to_##name) \
            to_##name(a, b); \
    }

TWO(trace_cmp1, uint8_t)
TWO(trace_cmp2, uint16_t)
TWO(trace_cmp4, uint32_t)
TWO(trace_cmp8, uint64_t)
TWO(trace_const_cmp1, uint8_t)
TWO(trace_const_cmp2, uint16_t)
TWO(trace_const_cmp4, uint32_t)
TWO(trace_const_cmp8, uint64_t)
TWO(trace_switch, uint64_t *)   /* (value, cases): the first is a number of the size of a pointer */
TWO(8bit_counters_init, uint8_t *)
TWO(pcs_init, const uintptr_t *)

void __sanitizer_cov_trace_cmpf(float a, float b) { (void)a, (void)b; }
void __sanitizer_cov_trace_cmpd(double a, double b) { (void)a, (void)b; }

/* `core` is the handle of the library of atheris that has libFuzzer in it. 0: all of it was found. */
int cfs_fuzz_connect(void *core)
{
    int missing = 0;
#define FIND(name) missing += !(to_##name = dlsym(core, "__sanitizer_cov_" #name))
    FIND(trace_cmp1), FIND(trace_cmp2), FIND(trace_cmp4), FIND(trace_cmp8);
    FIND(trace_const_cmp1), FIND(trace_const_cmp2), FIND(trace_const_cmp4), FIND(trace_const_cmp8);
    FIND(trace_switch), FIND(8bit_counters_init), FIND(pcs_init);
    if (missing)
        return missing;
    for (size_t i = 0; i < NR; i++)
        pcs[i].pc = i + 1;
    to_8bit_counters_init(counters, counters + NR);
    to_pcs_init((const uintptr_t *)pcs, (const uintptr_t *)(pcs + NR));
    return 0;
}
