"""The most memory a process held: of this program only, which ``getrusage`` does not tell after a fork."""

from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_megabytes() -> float:
    """Peak resident set; Linux only."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1e3
