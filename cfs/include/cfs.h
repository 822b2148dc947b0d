/*
 * The C face of cfs: one struct of function pointers, found in a capsule. For C, C++, and whatever can call a C
 * function pointer (numba, cffi, ctypes). Self-contained; include Python.h first to have cfs_import().
 *
 *     #include <Python.h>
 *     #include <cfs.h>
 *
 *     const cfs_api *cfs = cfs_import();               // once, with the GIL; NULL: an ImportError is set
 *     cfs_machine *m = cfs->machine_of(scheduler);     // a cfs.Scheduler, which must stay alive
 *     cfs_cpu *cpu = cfs->cpu(m, 0);
 *     cfs_task *job = cfs->fork(cpu, now, 5, NULL);    // nice 5, the parent's group
 *     cfs->tick(cpu, now + 1000000);                   // each event returns the running task; NULL: none
 *
 * Everything but machine_of may be called without the GIL, by one thread at a time for each machine. Times are ns
 * and never go back. Nothing checks its arguments: block, exit and yield need a running task, and a task is gone
 * after its exit. What a model leaves undefined (docs: a slice divided by 0) must be avoided by sane shares.
 *
 * The struct only ever grows at its end; what is there keeps its place and meaning while CFS_ABI stays the same.
 */
#ifndef CFS_H
#define CFS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CFS_ABI 1
#define CFS_MODULE "cfs._capi"
#define CFS_CAPSULE "cfs._capi.API"

typedef struct cfs_machine cfs_machine; /* all CPUs, tasks and groups under one scheduler */
typedef struct cfs_cpu cfs_cpu;
typedef struct cfs_task cfs_task;
typedef struct cfs_group cfs_group;

enum cfs_policy { CFS_NORMAL = 0, CFS_BATCH = 1, CFS_IDLE = 2 };
enum cfs_state { CFS_NEW = 0, CFS_RUNNABLE = 1, CFS_BLOCKED = 2, CFS_DEAD = 3 };

typedef struct cfs_api {
    uint32_t abi;  /* CFS_ABI of the cfs that is installed */
    uint32_t size; /* sizeof(cfs_api) there */

    /* finding things; machine_of needs the GIL and returns NULL with a TypeError set */
    cfs_machine *(*machine_of)(void *scheduler);
    cfs_cpu *(*cpu)(cfs_machine *machine, int32_t number);
    cfs_group *(*group)(cfs_machine *machine, uint32_t id); /* 0 is the root group; NULL: there is none */

    /* events: each returns the task that runs on its CPU afterwards, NULL if that idles */
    cfs_task *(*fork)(cfs_cpu *cpu, uint64_t now, int nice, cfs_group *group); /* returns the child; NULL: no memory */
    cfs_task *(*wake)(cfs_task *task, uint64_t now);
    cfs_task *(*block)(cfs_cpu *cpu, uint64_t now);
    cfs_task *(*exit)(cfs_cpu *cpu, uint64_t now);
    cfs_task *(*yield_)(cfs_cpu *cpu, uint64_t now);
    cfs_task *(*tick)(cfs_cpu *cpu, uint64_t now);
    cfs_task *(*set_nice)(cfs_task *task, uint64_t now, int nice);
    cfs_task *(*set_policy)(cfs_task *task, uint64_t now, int policy);
    void (*set_shares)(cfs_group *group, uint64_t shares);

    /* looking */
    cfs_task *(*current)(cfs_cpu *cpu);
    uint64_t (*nr_running)(cfs_cpu *cpu);
    uint64_t (*task_id)(cfs_task *task);
    int (*task_state)(cfs_task *task);
    uint32_t (*tag)(cfs_task *task);                 /* a number that is yours */
    void (*set_tag)(cfs_task *task, uint32_t tag);
    int (*field)(cfs_task *task, const char *name, uint64_t *value); /* by kernel name; 0: the model has none */
} cfs_api;

#ifdef Py_PYTHON_H
static inline const cfs_api *cfs_import(void)
{
    PyObject *module = PyImport_ImportModule(CFS_MODULE);
    const cfs_api *api;
    if (module == NULL)
        return NULL;
    Py_DECREF(module);
    api = (const cfs_api *)PyCapsule_Import(CFS_CAPSULE, 0);
    if (api != NULL && (api->abi != CFS_ABI || api->size < sizeof(cfs_api))) {
        PyErr_Format(PyExc_ImportError,
                     "this extension needs the C interface %d of cfs with %zu bytes; installed is %d with %zu: "
                     "build it again", CFS_ABI, sizeof(cfs_api), (int)api->abi, (size_t)api->size);
        return NULL;
    }
    return api;
}
#endif

#ifdef __cplusplus
}
#endif
#endif
