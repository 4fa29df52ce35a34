"""Image references."""

DOCKER_HUB = "docker.io"


def registry_host(image: str) -> str:
    """Registry host of an image reference, lower-case: ``docker.io`` where it names none."""
    first, _, rest = image.partition("/")
    if rest and ("." in first or ":" in first or first == "localhost"):
        return first.lower()
    return DOCKER_HUB
