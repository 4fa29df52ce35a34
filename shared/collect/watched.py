"""Which clusters are watched: the settings' includes and excludes, by name, id, tag and subscription."""

from collections.abc import Iterable, Mapping

from shared.azure_ids import id_key
from shared.model import Cluster
from shared.settings import Settings


def is_watched(cluster: Cluster, tags: Mapping[str, str], settings: Settings) -> bool:
    """Included by name and by tag (where the settings name any), and not excluded by anything."""
    excluded = (
        cluster.subscription_id.lower() in _lowered(settings.exclude_subscriptions)
        or _named(cluster, settings.exclude_clusters)
        or _tagged(tags, settings.exclude_cluster_tags)
    )
    included = (not settings.clusters or _named(cluster, settings.clusters)) and (
        not settings.cluster_tags or _tagged(tags, settings.cluster_tags)
    )
    return included and not excluded


def _named(cluster: Cluster, names: Iterable[str]) -> bool:
    return bool({id_key(cluster.id), cluster.name.lower()} & {id_key(name) for name in names})


def _tagged(tags: Mapping[str, str], wanted: Iterable[str]) -> bool:
    """Whether any of ``name=value`` or ``name`` (whatever its value) is among the tags; case does not count."""
    held = {name.lower(): str(value).lower() for name, value in tags.items()}
    for tag in wanted:
        name, given, value = tag.lower().partition("=")
        if name.strip() in held and (not given or held[name.strip()] == value.strip()):
            return True
    return False


def _lowered(words: Iterable[str]) -> set[str]:
    return {word.lower() for word in words}
