"""Does each receiver's address look like one? Nothing is sent: ``pullwatch.py send-test`` does that.

Addresses are secrets: what is said names the setting and the kind of fault, never the address.
"""

from collections.abc import Callable, Iterator
from urllib.parse import SplitResult, urlsplit

from shared.doctor.check import Check
from shared.errors import Misconfigured
from shared.setting_checks import signing_keys
from shared.settings import Receiver, Settings, address_name

TEAMS_HOSTS = (".environment.api.powerplatform.com", ".api.powerautomate.com")
OLD_TEAMS_HOSTS = (".logic.azure.com", ".flow.microsoft.com")
RETIRED_TEAMS_HOSTS = ("webhook.office.com", "outlook.office.com")
SLACK_HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")


def checks(settings: Settings) -> Iterator[Check]:
    if not settings.receivers:
        yield Check("receivers", "", "failed", "none is set: nobody is told anything", "Set PULLWATCH_TEAMS_URL, PULLWATCH_SLACK_URL or PULLWATCH_WEBHOOK_URL.")
    for name in settings.receivers:
        receiver = settings.receiver(name)
        found, do = _JUDGES[receiver.kind](receiver, urlsplit(receiver.url.reveal()))
        yield Check(f"receiver {name}", "", "warning" if do else "ok", found, do)


type Judgement = tuple[str, str]
"""What was found, and what to do; nothing to do: it is well."""
GOOD: Judgement = ("its address has the right shape", "")


def _teams(receiver: Receiver, url: SplitResult) -> Judgement:
    host = url.hostname or ""
    setting = address_name(receiver.kind, receiver.name.partition(":")[2])
    if host.endswith(RETIRED_TEAMS_HOSTS):
        return "an Office 365 connector: these are retired", f"Make a Workflows webhook in the channel and set {setting} to it."
    if host.endswith(OLD_TEAMS_HOSTS):
        return "an address of the old kind, which stopped working in the public cloud", f"Open the workflow in Power Automate, copy its new URL, set {setting}."
    if not host.endswith(TEAMS_HOSTS):
        return "no host that Teams Workflows is known by", f"Make sure that {setting} is the URL of a workflow “When a Teams webhook request is received”."
    if "sig=" not in url.query:
        return "the part sig=… is missing: it was cut when copied", f"Copy the whole URL again into {setting}."
    return GOOD


def _slack(receiver: Receiver, url: SplitResult) -> Judgement:
    setting = address_name(receiver.kind, receiver.name.partition(":")[2])
    if (url.hostname or "") not in SLACK_HOSTS:
        return "no host of Slack's webhooks", f"Set {setting} to an incoming webhook, https://hooks.slack.com/services/…"
    if not url.path.startswith("/services/"):
        return "a Workflow Builder trigger, which takes other messages", f"Make an incoming webhook in a Slack app and set {setting} to it."
    if len([part for part in url.path.split("/") if part]) != 4:
        return "the address is not whole: /services/T…/B…/… is expected", f"Copy the whole URL again into {setting}."
    return GOOD


def _webhook(receiver: Receiver, _: SplitResult) -> Judgement:
    try:
        signing_keys("", receiver.key.reveal())
    except Misconfigured:
        return "its signing key is not whsec_ and the base64 of 24 to 64 bytes", "Make one: python -c \"import base64, os; print('whsec_' + base64.b64encode(os.urandom(32)).decode())\""
    return GOOD


def _event_grid(_: Receiver, url: SplitResult) -> Judgement:
    if not url.path.endswith("/api/events"):
        return "the path /api/events is missing", "Copy the topic endpoint from the topic's overview page."
    return GOOD


_JUDGES: dict[str, Callable[[Receiver, SplitResult], Judgement]] = {
    "teams": _teams, "slack": _slack, "webhook": _webhook, "eventgrid": _event_grid,
}
