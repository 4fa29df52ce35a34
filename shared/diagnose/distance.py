"""Whether a registry stands near the cluster."""

from shared.images import registry_host
from shared.model import Case


def is_distant(case: Case, image: str) -> bool | None:
    """Whether the image's registry has no replica in the cluster's region; None: not known."""
    registry = next((r for r in case.registries if r.login_server == registry_host(image)), None)
    if registry is None or not registry.location:
        return None
    return _region(case.cluster.location) not in {_region(x) for x in (registry.location, *registry.replicas)}


def _region(location: str) -> str:
    return location.replace(" ", "").lower()
