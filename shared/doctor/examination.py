"""All checks, in the order in which a person would mend what they find."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from shared.collect.fleet import Fleet, read_fleet
from shared.doctor import clusters, events, platform, receivers
from shared.doctor.check import Check, asked, give
from shared.errors import Misconfigured
from shared.services import Services
from shared.services import services as services_of
from shared.units import counted

AT_ONCE = 6


def examine(environ: Mapping[str, str] = os.environ, build: Callable[[Mapping[str, str]], Services] = services_of) -> Iterator[Check]:
    """The checks as they are made. Raises nothing on purpose: what goes wrong is what a check has found."""
    try:
        app = build(environ)
    except Misconfigured as problem:
        yield Check("settings", "", "failed", str(problem), _mend(str(problem), environ))
        return
    yield Check("settings", "", "ok", "every value is valid")
    yield from receivers.checks(app.settings)
    yield from platform.storage_checks(app)
    yield platform.clock_check(app)
    identity = platform.identity_check(app)
    yield identity
    if identity.status == "ok":
        yield from _fleet_checks(app)


def _mend(problem: str, environ: Mapping[str, str]) -> str:
    if "Key Vault" not in problem:
        return "docs/settings.md lists every setting."
    return f"{give('Key Vault Secrets User', 'VAULT_ID', environ.get('AZURE_CLIENT_ID', ''))}; then az functionapp restart --ids APP_ID"


def _fleet_checks(app: Services) -> Iterator[Check]:
    found: list[Fleet] = []

    def read() -> Check:
        found.append(read_fleet(app.azure, app.settings))
        return _fleet_check(found[0], platform.reader(app))

    yield asked("fleet", "", read, platform.reader(app))
    if not found or not found[0].clusters:
        return
    fleet = found[0]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="doctor") as executor:
        for made in executor.map(lambda question: question(), [*clusters.questions(app, fleet), *events.questions(app, fleet)]):
            yield from made


def _fleet_check(fleet: Fleet, remedy: str) -> Check:
    if not fleet.clusters:
        return Check("fleet", "", "failed", "no cluster is readable and watched",
                     f"Look at PULLWATCH_CLUSTERS and PULLWATCH_SUBSCRIPTIONS; if they are right: {remedy}")
    return Check("fleet", "", "ok", ", ".join(
        (counted(len(fleet.clusters), "cluster"), counted(len(fleet.pools), "node pool"), counted(len(fleet.registries), "registry", "registries"))))
