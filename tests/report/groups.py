"""Messages about several pools, and bulletins, for every test about what people receive."""

from datetime import timedelta

from msgspec.structs import replace

from shared.model import Bulletin, Cause, Group, Incident, Item, Severity
from shared.report.headline import item_of, still_item
from tests.report import samples

NOW = samples.NOW


def incident(pool: str, severity: Severity = Severity.WARNING) -> Incident:
    return Incident(f"i-{pool}", samples.CLUSTER_ID, pool, Cause.REGISTRY_THROTTLED, severity, NOW - timedelta(hours=2), NOW)


def upgrade(groups_of: int = 3) -> Group:
    """One pool newly slow, one back to usual, some upgrades that went well, one slow as before."""
    ended = [item_of(replace(samples.healthy_upgrade(), id=f"n{n}", diagnosis=replace(samples.HEALTHY, pool=replace(samples.POOL, name=f"pool{n}"))))
             for n in range(groups_of)]
    items = (item_of(samples.opened()), item_of(samples.resolved()), *ended)
    return Group("group-77aa01", NOW, "news", samples.CLUSTER_ID, "prod-weu", items, (still_item(incident("batch"), "n9", NOW),), samples.opened())


def crowd(pools: int = 200, text: str = "OS disk IOPS, p95 pull 4 min 12 s (usually 41 s)") -> Group:
    """As many pools as no cluster has, each with a line, and an oversized one in full."""
    items = tuple(Item("opened", f"pool{n:03d}", Severity.CRITICAL, Cause.DISK_IOPS, NOW, "🔴", text, f"n{n}", f"i{n}") for n in range(pools))
    return Group("group-crowd1", NOW, "news", samples.CLUSTER_ID, "prod-weu", items, (), samples.oversized())


def hostile(name: str) -> Group:
    lead = samples.hostile(name)
    items = (item_of(lead), replace(item_of(lead), pool=name, text=name))
    return Group("group-bad000", NOW, "news", samples.CLUSTER_ID, name, items, (still_item(incident(name), "", NOW),), lead)


def bulletin(line: str = "3 messages failed five times and stand in the queue deliveries-poison", lines: int = 2) -> Bulletin:
    return Bulletin("health-2026-11-24-1f", "health", NOW, Severity.WARNING, "Pullwatch itself needs a look", (line,) * lines)


def reminder_without_detail() -> Group:
    still = (still_item(incident("apps", Severity.CRITICAL), "", NOW), still_item(incident("batch"), "", NOW))
    return Group("group-rem001", NOW, "reminder", samples.CLUSTER_ID, "prod-weu", (), still)


ALL = {
    "upgrade": upgrade, "crowd": crowd, "crowd of long lines": lambda: crowd(text="x" * 400), "bulletin": bulletin,
    "bulletin of many lines": lambda: bulletin("🐳" * 500, 300), "reminder": reminder_without_detail,
}
