"""What Azure measures and logs of each cluster and registry, and what is switched off."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial

from shared.azure_ids import segment
from shared.collect import attachments
from shared.collect.azure import Denied, Row, utc
from shared.collect.fleet import Fleet, PoolRef
from shared.collect.kql import query
from shared.collect.metrics import MACHINES, NAMESPACE
from shared.doctor.check import Check, asked, give
from shared.errors import Permanent, PullwatchError
from shared.model import Cluster, Registry, Window
from shared.services import Services
from shared.units import duration

DAY = timedelta(days=1)
METRIC_WINDOW = timedelta(minutes=15)
STALE_AFTER = timedelta(hours=1)
"""A cluster has some event every few minutes; container insights sends them once a minute."""
METRIC = "OS Disk Queue Depth"
MOST_REGISTRIES = 20

CONFIG_MAP = """\
kubectl apply -f - with this, merged into the ConfigMap if there is one; the agents restart by themselves:
apiVersion: v1
kind: ConfigMap
metadata:
  name: container-azm-ms-agentconfig
  namespace: kube-system
data:
  schema-version: v1
  config-version: ver1
  log-data-collection-settings: |-
    [log_collection_settings]
      [log_collection_settings.collect_all_kube_events]
        enabled = true"""


def questions(app: Services, fleet: Fleet) -> Iterator[Callable[[], list[Check]]]:
    """For each cluster its logs and its metrics, then the registries."""
    for cluster in fleet.clusters.values():
        yield partial(_events, app, cluster)
        pools = [pool for pool in fleet.pools if pool.cluster_id.lower() == cluster.id.lower()]
        yield partial(_metrics, app, cluster, pools)
    yield partial(_attached, app, fleet)
    registries = [registry for registry in fleet.registries.values() if registry.id]
    for registry in registries[:MOST_REGISTRIES]:
        yield partial(_registry_log, app, registry)
    if len(registries) > MOST_REGISTRIES:
        yield lambda: [Check("registry log", "", "skipped", f"{len(registries) - MOST_REGISTRIES} more registries were not asked")]


# --- kube events ---


def _events(app: Services, cluster: Cluster) -> list[Check]:
    if cluster.container_insights is False:
        turn_on = f"az aks enable-addons --addon monitoring --name {cluster.name} --resource-group {cluster.resource_group} --workspace-resource-id WORKSPACE_ID"
        return [Check("container insights", cluster.name, "warning", "off: pulls cannot be seen", turn_on)]
    now = app.clock()

    def ask() -> Check:
        rows = app.azure.logs(cluster.id, query("event_kinds"), Window(now - DAY, now))
        return _judged_events(cluster, rows[0] if rows else {}, app)

    return [asked("kube events", cluster.name, ask, _role(app, "Log Analytics Reader", cluster.id))]


def _role(app: Services, role: str, resource_id: str) -> str:
    """The command that assigns it on the subscription of a resource."""
    return give(role, f"/subscriptions/{segment(resource_id, 'subscriptions')}", app.settings.azure_client_id)


def _judged_events(cluster: Cluster, row: Row, app: Services) -> Check:
    if not row.get("Events"):
        return Check("kube events", cluster.name, "warning", "none arrived in the last day",
                     f"kubectl get pods -n kube-system -l component=ama-logs-agent (cluster {cluster.name}): do the agents run?")
    age = app.clock() - utc(row["Newest"])
    if age > STALE_AFTER:
        return Check("kube events", cluster.name, "warning", f"the newest is {duration(age.total_seconds())} old",
                     f"kubectl logs -n kube-system -l component=ama-logs-agent --tail 50 (cluster {cluster.name}); the workspace's daily cap stops them too")
    if not row["Normal"]:
        return Check("kube events", cluster.name, "warning", "Normal events are left out, and with them how long every pull took", CONFIG_MAP)
    pulls = f"{row['Pulls']:.0f} of them about pulls" if row["Pulls"] else "none about a pull yet"
    return Check("kube events", cluster.name, "ok", f"{row['Events']:.0f} in the last day, Normal ones too, {pulls}")


# --- metrics ---


def _metrics(app: Services, cluster: Cluster, pools: list[PoolRef]) -> list[Check]:
    if not pools:
        return [Check("metrics", cluster.name, "skipped", "it has no node pool with nodes")]
    pool = max(pools, key=lambda one: one.capacity)
    where, measured = f"{cluster.name} / {pool.name}", pool.resource_ids[0]
    checks = [asked("metrics", where, lambda: _judged_metrics(app, cluster, pool), _role(app, "Monitoring Reader", measured))]
    if pool.vmss_id:
        checks.append(asked("scale set", where, lambda: _judged_scale_set(app, cluster, pool), _role(app, "Reader", pool.vmss_id)))
    return checks


def _judged_metrics(app: Services, cluster: Cluster, pool: PoolRef) -> Check:
    subject, now = f"{cluster.name} / {pool.name}", app.clock()
    series = app.azure.metrics(pool.location, pool.resource_ids[:1], NAMESPACE if pool.vmss_id else MACHINES, [METRIC], Window(now - METRIC_WINDOW, now))
    if any(value is not None for one in series for value in one.values):
        return Check("metrics", subject, "ok", "the node metrics answer")
    if not pool.capacity:
        return Check("metrics", subject, "skipped", "the pool has no node now")
    return Check("metrics", subject, "warning", f"{METRIC} has no value in the last 15 minutes: disks cannot be judged",
                 "Nothing to do for an ephemeral OS disk on a small size; else look whether the nodes run.")


def _judged_scale_set(app: Services, cluster: Cluster, pool: PoolRef) -> Check:
    app.azure.scale_set(pool.vmss_id)
    return Check("scale set", f"{cluster.name} / {pool.name}", "ok", "its model is readable")


# --- registries ---


def _attached(app: Services, fleet: Fleet) -> list[Check]:
    """From which registries each cluster's nodes may pull by their own identity."""
    try:
        roles = attachments.kubelet_roles(app.azure)
    except PullwatchError as error:
        return [Check("attached registries", "", "skipped", str(error))]
    return [_judged_attachments(cluster, attachments.told(fleet.registries.values(), cluster.id, roles)) for cluster in fleet.clusters.values()]


def _judged_attachments(cluster: Cluster, registries: Sequence[Registry]) -> Check:
    names = [registry.login_server for registry in registries if registry.attached]
    if names:
        return Check("attached registries", cluster.name, "ok", ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else ""))
    if any(registry.attached is None for registry in registries) or not registries:
        return Check("attached registries", cluster.name, "skipped", "not known")
    return Check("attached registries", cluster.name, "skipped", "none that can be seen: its nodes pull with secrets, or public images only")


def _registry_log(app: Services, registry: Registry) -> list[Check]:
    name, now = registry.login_server, app.clock()
    switch_on = (f"az monitor diagnostic-settings create --name pullwatch --resource {registry.id} --workspace WORKSPACE_ID "
                 """--logs '[{"category":"ContainerRegistryRepositoryEvents","enabled":true},{"category":"ContainerRegistryLoginEvents","enabled":true}]'""")

    def ask() -> Check:
        try:
            rows = app.azure.logs(registry.id, query("registry_rows", login_server=name), Window(now - DAY, now))
        except Denied:
            raise
        except Permanent as refusal:
            return Check("registry log", name, "warning", str(refusal), switch_on)
        count = int(rows[0]["Rows"]) if rows else 0
        if not count:
            return Check("registry log", name, "warning", "nothing arrived in the last day: its diagnostic settings are off, or nobody used it", switch_on)
        return Check("registry log", name, "ok", f"{count} rows in the last day")

    return [asked("registry log", name, ask, _role(app, "Log Analytics Reader", registry.id))]
