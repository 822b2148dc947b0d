"""The models: one folder for each release, with everything that is true of that release only.

`model` defines what a model is, `tunables` what all tunables share, and `registry` lists the models. In each
folder, `facts` has the entry of the registry and the tunables; the compiled class is the rest. `_idle` is the
smallest complete scheduling class: read it first.
"""

from .model import Model
from .registry import MODELS, all_models, model_named

__all__ = ["Model", "MODELS", "all_models", "model_named"]
