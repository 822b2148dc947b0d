"""The models, a folder a release: what is true of one release only stands there.

`registry` says which there are and what each offers; `tunables` holds what all share of their knobs. `_idle` is the
smallest complete scheduling class: read it first.
"""

from .registry import MODELS, Model, all_models, model_named

__all__ = ["Model", "MODELS", "all_models", "model_named"]
