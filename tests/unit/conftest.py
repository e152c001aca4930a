"""Property tests try the same examples on every run, so that a red run is about the change; HYPOTHESIS_PROFILE=random
looks for new ones, extended for many."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("random", deadline=None)
settings.register_profile("extended", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
