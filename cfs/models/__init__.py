"""The models, a folder a release: what is true of one release only stands there.

`model` says what a model is, `tunables` what their knobs share, `registry` which there are. In a folder,
`facts` is the entry of the registry and the knobs, and the compiled class is the rest. `_idle` is the
smallest complete scheduling class: read it first.
"""

from .model import Model
from .registry import MODELS, all_models, model_named

__all__ = ["Model", "MODELS", "all_models", "model_named"]
