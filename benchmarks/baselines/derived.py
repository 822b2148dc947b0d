"""The class of 2.6.24 with a division in each charge: `cfs/models/linux_2_6_24/_fair` as it is, one function replaced.

What it decides: that "the same code with divisions" is the same code. Its text is taken from the class when
the baselines are built, so what is done to the class later is done to both; only `calc_delta_fair` (the
charge, and the weighted granularity of a wakeup) is another one:

    the class           1024: the time itself;  else a product with the inverse, rounded to nearest
    here, always        floor(delta * 1024 / weight): one division of 64 bits

It has no shortcut for the weight 1024, because a ring of equal tasks would otherwise divide nowhere. It
rounds differently from the kernel and so is compared with the exact formula, not with the class.

Each replacement must fit exactly once (the imports: all of them), or `DerivationError` says which did not:
a text that has changed must not silently become the class itself, measured against itself.

Rejected: a flag in the class that chooses (a branch in what is measured, and a knob that nobody needs), and a
copy of the class kept here (it would age).
"""

from pathlib import Path

HOME = Path(__file__).resolve().parent.parent.parent / "cfs" / "models" / "linux_2_6_24"
SOURCES = [HOME / "_fair.pyx", HOME / "_fair.pxd"]
NAME = "_fair_dividing"
MODEL = "linux-2.6.24-cfs-dividing"

DIVISION = '''

cdef inline vns_t calc_delta_fair(ns_t delta, const load_weight *load) noexcept nogil:
    # no shortcut for NICE_0_LOAD: it divides in each charge
    return delta * 1024 // load.weight

'''
CHARGE = "    curr.vruntime += calc_delta_fair(delta_exec, &curr.load)\n"
FIRST_SECTION = "\n# " + 96 * "-" + " generic entities\n"


class DerivationError(Exception):
    """The class is no longer written as the replacement expects it."""


def require_once(text, part, where):
    found = text.count(part)
    if found != 1:
        raise DerivationError(
            f"{where}: {part!r} is found {found} times, not once; see {Path(__file__).name}"
        )


def replaced(text, old, new, where):
    """`text` with its one `old` replaced."""
    require_once(text, old, where)
    return text.replace(old, new)


def from_outside(text, where):
    """Relative imports made absolute: the module lies in no package."""
    if "from ..._" not in text:
        raise DerivationError(f"{where}: no import 'from ..._' is found; see {Path(__file__).name}")
    return text.replace("from ..._", "from cfs._")


def dividing_class(pyx, pxd):
    """The two texts of the dividing class from the two of the class."""
    require_once(pyx, CHARGE, "_fair.pyx")
    pyx = replaced(pyx, "    calc_delta_fair,\n", "", "_fair.pyx")
    pyx = replaced(pyx, "    int32_t,\n", "    int32_t,\n    load_weight,\n", "_fair.pyx")
    pyx = replaced(pyx, FIRST_SECTION, DIVISION + FIRST_SECTION, "_fair.pyx")
    pyx = replaced(pyx, 'table.model = "linux-2.6.24-cfs"\n', f'table.model = "{MODEL}"\n', "_fair.pyx")
    return from_outside(pyx, "_fair.pyx"), from_outside(pxd, "_fair.pxd")


def write_dividing_class(folder):
    """Write both files into `folder`; returns the path of the pyx."""
    texts = dividing_class(*(path.read_text(encoding="utf-8") for path in SOURCES))
    for suffix, text in zip((".pyx", ".pxd"), texts, strict=True):
        (folder / f"{NAME}{suffix}").write_text(text, encoding="utf-8")
    return folder / f"{NAME}.pyx"
