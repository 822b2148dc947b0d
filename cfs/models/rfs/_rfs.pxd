# The structs of the RFS model, for _rfs.pyx, for embedders and for benchmarks.

from ..._types cimport int64_t, load_weight, ns_t, rb_node, rb_root, rq, sched_class, task, uint8_t, uint64_t, vns_t


cdef struct rfs_entity:
    rb_node run_node            # its place among the waiting ones
    vns_t vruntime              # normalised time n: run time x 1024 / weight, the key
    load_weight load
    ns_t exec_start             # clock at the last charge or select
    ns_t sum_exec_runtime       # real run time in total
    uint8_t on_rq               # counted, waiting or running


cdef struct rfs_task:
    task p
    rfs_entity se


cdef struct rfs_rq:             # rq.nr_running and rq.load are the number of tasks and W
    rq rq
    rb_root tasks_timeline      # waiting tasks, ordered by signed vruntime - base; the running one is not in it
    vns_t base                  # B: the average, cut to whole steps; never goes back
    int64_t offset_sum          # O: the sum of w * (n - B) over all runnable tasks, so that the average is B + O / W


cdef struct rfs_tunables:
    uint64_t rfs_slice_ns
    uint64_t rfs_granularity_ns
    uint64_t rfs_step_shift


cdef const sched_class *rfs_sched_class() noexcept nogil
