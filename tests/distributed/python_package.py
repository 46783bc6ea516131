"""The package kvmesh of examples/python/, for its tests."""

import os
import sys

from harness import ROOT

EXAMPLE = os.path.join(ROOT, "examples/python")
sys.path.insert(0, EXAMPLE)
import kvmesh  # noqa: E402

from kvmesh import BatchError, Client, KvmeshError, Pid  # noqa: E402

__all__ = ["EXAMPLE", "BatchError", "Client", "KvmeshError", "Pid", "kvmesh"]


def error_of(function, *args, **options):
    """The KvmeshError that a call ends with."""
    try:
        result = function(*args, **options)
    except KvmeshError as error:
        return error
    raise AssertionError(f"no error, but {result!r}")
