"""Does Event Grid tell of each cluster's upgrades and growth? Its topics are asked for, in Resource Graph."""

from collections.abc import Callable, Iterator, Sequence

from shared.collect.fleet import Fleet
from shared.collect.kql import query
from shared.doctor.check import Check, asked
from shared.doctor.platform import reader
from shared.model import Cluster
from shared.services import Services

AKS, GROUPS = "microsoft.containerservice.managedclusters", "microsoft.resources.resourcegroups"
SUBSCRIPTIONS = "microsoft.resources.subscriptions"


def questions(app: Services, fleet: Fleet) -> Iterator[Callable[[], list[Check]]]:
    def ask() -> list[Check]:
        topics: set[tuple[str, str]] = set()

        def read() -> Check:
            topics.update((str(row["topicType"]).lower(), str(row["source"]).lower()) for row in app.azure.graph(query("system_topics")))
            return Check("event topics", "", "ok", f"{len(topics)} readable")

        first = asked("event topics", "", read, reader(app))
        if first.status != "ok":
            return [first]
        return [check for cluster in fleet.clusters.values() for check in judged(cluster, topics, app.settings.clusters)]

    yield ask


def judged(cluster: Cluster, topics: set[tuple[str, str]], named: Sequence[str]) -> Iterator[Check]:
    """``topics``: (topic type, source id), lower-case. ``named``: the clusters that the settings name."""
    subscription = f"/subscriptions/{cluster.subscription_id}".lower()
    group = f"{subscription}/resourcegroups/{cluster.node_resource_group}".lower()
    if (AKS, cluster.id.lower()) in topics:
        yield Check("upgrade events", cluster.name, "ok", "a topic of the cluster is there")
    else:
        yield Check("upgrade events", cluster.name, "warning", "no topic of this cluster: an upgrade is noticed late, by the screening",
                    f'azd env set PULLWATCH_CLUSTERS "{",".join(dict.fromkeys([*named, cluster.id]))}" && azd provision')
    if {(GROUPS, group), (SUBSCRIPTIONS, subscription)} & topics:
        yield Check("scale events", cluster.name, "ok", "a topic of its node resource group or subscription is there")
    else:
        yield Check("scale events", cluster.name, "warning", "no topic: growth is noticed late, by the screening",
                    "azd env set PULLWATCH_SCALE_EVENTS subscription && azd hooks run postdeploy")
