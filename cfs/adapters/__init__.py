"""Faces of cfs in other people's simulators, one module each; each needs the extra of its name."""
