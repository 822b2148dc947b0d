# The rest is visible from C only: see the .pxd.

SCHED_CLASS: object
