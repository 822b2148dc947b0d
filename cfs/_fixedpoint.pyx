"""The arithmetic of virtual time, callable from Python over whole arrays. `cfs.arithmetic` is the public face."""
