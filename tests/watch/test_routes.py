"""Routes: who is told about what, and where their addresses stand."""

import pytest

from shared.errors import Misconfigured
from shared.model import Cause, Severity
from shared.settings import load
from shared.watch.routes import Route, is_chat, wants

CLUSTER = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/prod-weu"
URL = "https://example.test/hook?sig=verysecret"
KEY = "whsec_" + "bmV3LWtleS0" * 4


def told(receiver: str, *routes: Route, pool: str = "apps", cause: Cause = Cause.DISK_IOPS, severity: Severity = Severity.WARNING) -> bool:
    return wants(receiver, routes, CLUSTER, pool, cause, severity)


def test_without_routes_everybody_is_told_everything() -> None:
    assert told("teams")
    assert told("webhook", severity=Severity.OK)


def test_a_receiver_that_no_route_names_is_told_everything() -> None:
    assert told("slack", Route("teams", pools=("none",)))


def test_a_receiver_with_routes_is_told_what_one_of_them_matches() -> None:
    routes = (Route("teams:ops", causes=("disk.*",)), Route("teams:ops", min_severity=Severity.CRITICAL))
    assert told("teams:ops", *routes)
    assert not told("teams:ops", *routes, cause=Cause.CPU_UNPACK)
    assert told("teams:ops", *routes, cause=Cause.CPU_UNPACK, severity=Severity.CRITICAL)


def test_chats_are_for_people() -> None:
    assert [is_chat(name) for name in ("teams", "slack:night", "webhook", "eventgrid:b")] == [True, True, False, False]


def test_a_further_receiver_needs_only_its_address() -> None:
    settings = load({"PULLWATCH_SLACK_URL": URL, "PULLWATCH_SLACK_URL_NIGHT_SHIFT": URL + "2", "PULLWATCH_EVENTGRID_ENDPOINT_AUDIT": URL})
    assert settings.receivers == ("slack", "slack:night_shift", "eventgrid:audit")
    assert settings.receiver("slack:night_shift").url.reveal() == URL + "2"
    assert "verysecret" not in repr(settings)


def test_a_further_webhook_is_signed_with_its_own_key_or_the_common_one() -> None:
    both = {"PULLWATCH_WEBHOOK_URL_A": URL, "PULLWATCH_WEBHOOK_URL_B": URL, "PULLWATCH_WEBHOOK_SECRET": KEY, "PULLWATCH_WEBHOOK_SECRET_B": KEY + "bmV3"}
    settings = load(both)
    assert settings.receiver("webhook:a").key.reveal() == KEY
    assert settings.receiver("webhook:b").key.reveal() == KEY + "bmV3"


@pytest.mark.parametrize(("environ", "says"), [
    ({"PULLWATCH_WEBHOOK_URL_A": URL}, "PULLWATCH_WEBHOOK_SECRET_A is missing"),
    ({"PULLWATCH_TEAMS_URL_A": "http://example.test/verysecret"}, "PULLWATCH_TEAMS_URL_A must be an https URL."),
    ({"PULLWATCH_TEAMS_URL_A-B": URL}, "PULLWATCH_TEAMS_URL_A-B must end in a name of capitals"),
    ({"PULLWATCH_ROUTES": '[{"receiver": "teams:a"}]'}, "PULLWATCH_ROUTES[0] names teams:a, which has no address: set PULLWATCH_TEAMS_URL_A."),
    ({"PULLWATCH_ROUTES": '[{"receiver": "pigeon"}]'}, "PULLWATCH_ROUTES[0].receiver: expected `str` matching regex"),
    ({"PULLWATCH_ROUTES": '[{"receiver": "teams", "min_severity": "bad"}]'}, "PULLWATCH_ROUTES[0].min_severity: invalid enum value 'bad'."),
    ({"PULLWATCH_ROUTES": '[{"receiver": "teams", "pool": ["a"]}]'}, "PULLWATCH_ROUTES[0]: object contains unknown field `pool`."),
])
def test_a_wrong_route_or_address_is_named_in_one_sentence(environ: dict[str, str], says: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load(environ)
    assert str(caught.value).startswith(says)
    assert "verysecret" not in str(caught.value)
