"""The table of workloads, which the programs in Python share."""

import sys

from .peers import PROGRAMS

sys.path.insert(0, str(PROGRAMS))
from workloads import WORKLOADS  # noqa: E402

__all__ = ["WORKLOADS"]
