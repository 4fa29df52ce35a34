"""The local Azure: what Azure would answer about a simulated world, to Azure's own clients.

with LocalAzure(world) as azure:
    os.environ |= azure.environ
    azure.faults.add("metrics_batch", Fault(status=429, retry_after_seconds=2, times=3))
    …
    print(azure.counts["metrics_batch"])
"""

from local.azure.faults import KINDS, Counts, Fault, Faults
from local.azure.local_azure import LocalAzure

__all__ = ["KINDS", "Counts", "Fault", "Faults", "LocalAzure"]
