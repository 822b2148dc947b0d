"""The command line: what each command takes, says and writes.

    app          the command `cfs`: its commands, loaded when they are called
    talk         what is said: errors in a sentence, progress, headings, tables
    options      what options look like, and their text as a value
    inputs       a recording or a scenario, and which tasks of it
    outputs      files: one entry a format
    replay, compare, conform, models      a file a command
"""

from .app import app, run

__all__ = ["app", "run"]
