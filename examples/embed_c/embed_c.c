/*
 * A small simulator in C that asks cfs who runs. It knows cfs.h and nothing else of cfs.
 *
 *     import cfs, embed_c
 *     embed_c.shop(cfs.Scheduler(), nr_jobs=8, nr_ticks=1000)      # [(vruntime, CPU time), ...] of each job
 *     embed_c.cost(cfs.Scheduler(), nr_ticks=10_000_000)           # ns a tick, by the capsule
 *
 * The shop: jobs of nice 0, 1, 2, ... A tick a millisecond; each seventh one the running job goes to fetch something,
 * each fifth one the next job in turn comes back if it was away.
 */
#include <Python.h>
#include <time.h>

#include <cfs.h>

#define MS 1000000ull
#define JOBS_MAX 64

static const cfs_api *cfs;

static void open_shop(cfs_cpu *cpu, cfs_task **jobs, int nr_jobs)
{
    int i;
    for (i = 0; i < nr_jobs; i++) {
        jobs[i] = cfs->fork(cpu, 0, i % 20, NULL);
        cfs->set_tag(jobs[i], (uint32_t)i);
    }
}

static void run_shop(cfs_cpu *cpu, cfs_task **jobs, int nr_jobs, int nr_ticks)
{
    int i;
    for (i = 1; i <= nr_ticks; i++) {
        cfs_task *running = cfs->tick(cpu, i * MS);
        if (i % 7 == 0 && running != NULL)
            cfs->block(cpu, i * MS);
        if (i % 5 == 0)
            cfs->wake(jobs[i % nr_jobs], i * MS);      /* does nothing to a job that is not away */
    }
}

static PyObject *shop(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"scheduler", "nr_jobs", "nr_ticks", NULL};
    cfs_task *jobs[JOBS_MAX];
    PyObject *scheduler, *states;
    cfs_machine *machine;
    cfs_cpu *cpu;
    int nr_jobs, nr_ticks, i;
    (void)self;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "Oii", names, &scheduler, &nr_jobs, &nr_ticks))
        return NULL;
    if (nr_jobs < 1 || nr_jobs > JOBS_MAX)
        return PyErr_Format(PyExc_ValueError, "nr_jobs must be 1 ... %d", JOBS_MAX);
    machine = cfs->machine_of(scheduler);
    if (machine == NULL)
        return NULL;
    cpu = cfs->cpu(machine, 0);
    Py_BEGIN_ALLOW_THREADS
    open_shop(cpu, jobs, nr_jobs);
    run_shop(cpu, jobs, nr_jobs, nr_ticks);
    Py_END_ALLOW_THREADS
    states = PyList_New(nr_jobs);
    for (i = 0; states != NULL && i < nr_jobs; i++) {
        uint64_t vruntime = 0, received = 0;
        PyObject *state;
        cfs->field(jobs[i], "vruntime", &vruntime);
        cfs->field(jobs[i], "sum_exec_runtime", &received);
        state = Py_BuildValue("KK", (unsigned long long)vruntime, (unsigned long long)received);
        if (state == NULL) {
            Py_DECREF(states);
            return NULL;
        }
        PyList_SET_ITEM(states, i, state);
    }
    return states;
}

static double ns_now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

static PyObject *cost(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"scheduler", "nr_ticks", NULL};
    PyObject *scheduler;
    cfs_machine *machine;
    cfs_task *jobs[8];
    cfs_cpu *cpu;
    double begin, end;
    int nr_ticks, i;
    (void)self;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "Oi", names, &scheduler, &nr_ticks))
        return NULL;
    machine = cfs->machine_of(scheduler);
    if (machine == NULL)
        return NULL;
    cpu = cfs->cpu(machine, 0);
    open_shop(cpu, jobs, 8);
    begin = ns_now();
    for (i = 1; i <= nr_ticks; i++)
        cfs->tick(cpu, i * MS);
    end = ns_now();
    return PyFloat_FromDouble((end - begin) / nr_ticks);
}

static PyMethodDef methods[] = {
    {"shop", (PyCFunction)(void (*)(void))shop, METH_VARARGS | METH_KEYWORDS, "Run the shop on a fresh Scheduler."},
    {"cost", (PyCFunction)(void (*)(void))cost, METH_VARARGS | METH_KEYWORDS, "ns a tick among eight jobs."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "embed_c", "A simulator in C that asks cfs who runs.", -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_embed_c(void)
{
    cfs = cfs_import();
    return cfs == NULL ? NULL : PyModule_Create(&module);
}
