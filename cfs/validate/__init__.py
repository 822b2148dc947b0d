"""Is a replay right? What a model predicts of a recording, beside what the kernel did that was recorded.

    fields         values out of a file that somebody wrote, checked
    truth          truth files: what was measured, and facts that no recording says
    figures        what is compared, and how it is counted: the same on both sides
    scope          who is counted and when
    lives          what a shell and a build took: lives of tasks, and the time from begin to end
    bars           how far a prediction may be off: bars.toml, and the spread of the real kernel, spread.json
    prediction     which model made the recording, and what it predicts
    validation     the two sides, bar by bar: `validate`
    paper          the figure: predicted against measured
"""

from .truth import Truth, read_truth
from .validation import Validation, validate

__all__ = ["Truth", "Validation", "read_truth", "validate"]
