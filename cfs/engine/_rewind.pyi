# Nothing here is visible from Python: see the .pxd.
