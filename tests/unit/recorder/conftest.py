"""Ctrl-C is what these tests send to themselves: also where they run in the background, which ignores it."""

import signal

import pytest


@pytest.fixture(autouse=True)
def interrupts():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
