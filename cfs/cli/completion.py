"""Completion in bash, which ends words at ":" and "=".

What it decides: which words the shell's pieces were, and which part of an answer bash has already. For
`--model linux-6.18-eevdf:hz=` bash hands over five pieces, and replaces the last one; zsh and fish hand over
words, and typer does all.

Rejected: a script of our own for bash (people have installed typer's); changing COMP_WORDBREAKS (all commands of
the shell would break words otherwise).
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Sequence

__all__ = ["answer_bash", "is_bash_asking", "joined", "shortened"]

ENDS = ":="
ASKED = "_CFS_COMPLETE"


def is_bash_asking() -> bool:
    """Was the command called by bash's completion?"""
    return os.environ.get(ASKED) == "complete_bash"


def joined(pieces: Sequence[str], place: int) -> tuple[list[str], int]:
    """The words that the pieces of a line were, and which of them has piece number `place`.

    Parameters
    ----------
    pieces : sequence of str
        As in COMP_WORDS: what is between two ends of words, and the ends themselves.
    place : int
        Of the piece that is being written; the later ones are left out.
    """
    words: list[str] = []
    goes_on = False
    for piece in pieces[: place + 1]:
        is_end = piece != "" and not piece.strip(ENDS)
        if len(words) > 1 and piece and (is_end or goes_on):
            words[-1] += piece
        else:
            words.append(piece)
        goes_on = is_end
    return words, len(words) - 1


def shortened(answers: Sequence[str], word: str, piece: str) -> list[str]:
    """Answers for a word without what bash does not replace: all in front of its last piece.

    Parameters
    ----------
    answers : sequence of str
    word, piece : str
        What is being written, and the last piece of it.
    """
    kept = word if piece and not piece.strip(ENDS) else word.removesuffix(piece)
    if kept.startswith("--"):
        kept = kept.partition("=")[2]  # of --model=linux-... the answers are models
    return [answer.removeprefix(kept) for answer in answers]


def answer_bash(run: Callable[[], object]) -> int:
    """Let `run` answer the words of the line, and print what of its answers bash has not.

    Parameters
    ----------
    run : callable
        Reads the environment and prints an answer a line; may exit.

    Returns
    -------
    int
        Exit status.
    """
    pieces = os.environ.get("COMP_WORDS", "").split("\n")
    place = min(int(os.environ.get("COMP_CWORD", "0") or 0), len(pieces) - 1)
    words, at = joined(pieces, place)
    os.environ["COMP_WORDS"], os.environ["COMP_CWORD"] = "\n".join(words), str(at)
    said, status = io.StringIO(), 0
    with contextlib.redirect_stdout(said):
        try:
            run()
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else 1
    import typer

    for answer in shortened(said.getvalue().splitlines(), words[at], pieces[place]):
        typer.echo(answer)
    return status
