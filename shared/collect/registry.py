"""Which registries the pulled images come from, and what ours logged about it."""

from collections.abc import Iterable, Mapping

from shared.collect.azure import Azure, utc
from shared.collect.kql import query
from shared.images import registry_host
from shared.model import Pull, Registry, RegistryMinute, Window


def registries_of(pulls: Iterable[Pull], known: Mapping[str, Registry]) -> tuple[Registry, ...]:
    """The registries behind the pulls, ours with their facts, others by name only."""
    hosts = sorted({registry_host(pull.image) for pull in pulls})
    return tuple(known.get(host, Registry(login_server=host)) for host in hosts)


def registry_minutes(azure: Azure, registry: Registry, window: Window) -> list[RegistryMinute]:
    """Requests and 429s a minute, as far as the registry logged them."""
    rows = azure.logs(registry.id, query("registry_minutes", login_server=registry.login_server), window)
    return [RegistryMinute(login_server=registry.login_server, at=utc(r["Minute"]), requests=int(r["Requests"]),
                           throttled=int(r["Throttled"]), region=r["Region"] or "") for r in rows]
