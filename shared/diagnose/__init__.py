"""Case → Diagnosis: pure functions over frozen values, no I/O, no clock."""

from shared.diagnose.verdict import diagnose

__all__ = ["diagnose"]
