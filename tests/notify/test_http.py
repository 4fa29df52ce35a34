"""Posting, against real TLS servers that misbehave."""

import socket
import threading
import time
from collections.abc import Callable

import pytest
import trustme

from local.receivers import HUGE_BYTES, Answer, Fault, Receivers
from shared.errors import Misconfigured, Permanent, Transient, Unanswered
from shared.notify import guard
from shared.notify.http import BODY_BYTES, post
from shared.settings import Secret

JSON = {"Content-Type": "application/json"}


def send(url: str, *, allow_private: bool = True, total_seconds: float = 5.0):
    return post(Secret(url), b'{"text":"hello"}', JSON, allow_private=allow_private, total_seconds=total_seconds)


def test_a_receiver_gets_the_body_as_it_is_and_its_answer_comes_back(chats: Receivers):
    response = send(chats.url("slack"))
    assert (response.status, response.body) == (200, "ok")
    assert chats.received[0].body == b'{"text":"hello"}'
    assert chats.received[0].headers["content-type"] == "application/json"


def test_only_the_headers_that_matter_come_back(chats: Receivers):
    chats.script("webhook", Answer(429, "later", {"Retry-After": "7", "Set-Cookie": "a=b"}))
    assert send(chats.url("webhook")).headers == {"retry-after": "7"}


def test_a_redirect_is_not_followed_and_no_second_request_is_made(chats: Receivers):
    chats.script("webhook", Answer(307, "", {"Location": chats.url("slack")}))
    assert send(chats.url("webhook")).status == 307
    assert [request.kind for request in chats.received] == ["webhook"]


def test_a_redirect_to_nonsense_is_no_different(chats: Receivers):
    chats.script("webhook", Answer(302, "x" * 100_000, {"Location": "gopher://[::1"}))
    assert send(chats.url("webhook")).status == 302


def test_of_a_huge_answer_only_the_beginning_is_read(chats: Receivers):
    chats.script("slack", Fault.HUGE)
    body = send(chats.url("slack")).body
    assert body.startswith("ok xxx")
    assert len(body) == BODY_BYTES < HUGE_BYTES


def test_a_receiver_that_says_nothing_is_given_up_in_time(chats: Receivers):
    chats.script("teams", Fault.HANG)
    assert_cut(lambda: send(chats.url("teams"), total_seconds=0.5))


def test_a_receiver_that_drips_headers_for_ever_is_given_up_in_time(chats: Receivers):
    chats.script("teams", Fault.DRIP)
    assert_cut(lambda: send(chats.url("teams"), total_seconds=0.5))


def assert_cut(act: Callable[[], object]) -> None:
    began = time.monotonic()
    with pytest.raises(Unanswered, match=r"^https://localhost took the connection but gave no whole answer"):
        act()
    assert 0.4 < time.monotonic() - began < 2


def test_a_server_that_never_finishes_its_handshake_is_given_up_in_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(Transient, match="could not be reached") as caught:
            send(f"https://localhost:{silent.getsockname()[1]}/hook", total_seconds=0.5)
        assert not isinstance(caught.value, Unanswered)
        assert time.monotonic() - began < 2


def test_a_reset_after_the_request_may_mean_that_it_arrived(chats: Receivers):
    chats.script("teams", Fault.RESET)
    with pytest.raises(Unanswered):
        send(chats.url("teams"))


def test_a_closed_port_means_that_nothing_was_sent():
    with pytest.raises(Transient, match=r"https://localhost could not be reached") as caught:
        send(f"https://localhost:{free_port()}/hook")
    assert not isinstance(caught.value, Unanswered)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_name_that_does_not_resolve_may_resolve_later(monkeypatch):
    def no_such_name(*args, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(guard.socket, "getaddrinfo", no_such_name)
    with pytest.raises(Transient, match="could not be reached"):
        send("https://hooks.contoso.example/services/secret")


def test_a_resolver_that_hangs_is_given_up_in_time(monkeypatch):
    released = threading.Event()

    def slow(*args, **options):
        released.wait(5)
        raise socket.gaierror

    monkeypatch.setattr(guard.socket, "getaddrinfo", slow)
    began = time.monotonic()
    with pytest.raises(Transient, match="could not be reached"):
        send("https://hooks.contoso.example/services/secret", total_seconds=0.3)
    assert time.monotonic() - began < 2
    released.set()


# --- trust ---


def test_a_certificate_of_another_authority_is_not_accepted(chats: Receivers, monkeypatch, tmp_path):
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    with pytest.raises(Transient, match="did not prove its identity"):
        send(chats.url("teams"))
    assert chats.received == []


def test_a_certificate_for_another_name_is_not_accepted(chats: Receivers, monkeypatch):
    monkeypatch.setattr(guard.socket, "getaddrinfo", resolving_to("127.0.0.1"))
    with pytest.raises(Transient, match="did not prove its identity"):
        send(chats.url("teams").replace("localhost", "hooks.contoso.example"))


def test_a_bundle_that_does_not_exist_is_a_setting_to_correct(chats: Receivers, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(Misconfigured, match="REQUESTS_CA_BUNDLE"):
        send(chats.url("teams"))


def test_proxies_of_the_environment_are_not_used(chats: Receivers, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"http://localhost:{free_port()}")
    monkeypatch.setenv("ALL_PROXY", f"http://localhost:{free_port()}")
    assert send(chats.url("teams")).status == 202


@pytest.mark.parametrize("url", ["http://hooks.contoso.example/x", "file:///etc/passwd", "https://", "https://[::1", "ftp://x/y", ""])
def test_anything_but_https_is_refused(url):
    with pytest.raises(Permanent, match="must begin with https://"):
        send(url)


# --- addresses ---


def resolving_to(*addresses: str) -> Callable[..., list]:
    def getaddrinfo(host, port, *args, **options):
        return [(socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses]

    return getaddrinfo


PRIVATE = [
    "127.0.0.1", "127.8.8.8", "10.0.0.4", "172.16.3.3", "192.168.1.1", "100.64.0.1", "100.127.255.254", "::1", "fd12:3456::1",
    "::ffff:10.0.0.4", "::ffff:127.0.0.1", "64:ff9b::a00:4", "2002:0a00:0004::1", "192.0.2.1", "198.18.0.1",
]
NEVER = [
    "169.254.169.254", "169.254.1.1", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254",
    "168.63.129.16", "0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "240.0.0.1", "ff02::1",  # noqa: S104 (refused, not bound to)
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_refused_unless_allowed(address):
    assert "private address" in guard.refusal(address, allow_private=False)
    assert guard.refusal(address, allow_private=True) == ""


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.parametrize("allow_private", [False, True])
def test_metadata_and_link_local_addresses_are_refused_always(address, allow_private):
    assert "never posted to" in guard.refusal(address, allow_private)


@pytest.mark.parametrize("address", ["20.50.2.1", "3.122.3.4", "2603:1020::1", "::ffff:20.50.2.1", "64:ff9b::1432:201"])
def test_a_public_address_is_fine(address):
    assert guard.refusal(address, allow_private=False) == ""


@pytest.mark.parametrize("addresses", [["10.0.0.4"], ["20.50.2.1", "10.0.0.4"], ["169.254.169.254"]])
def test_a_name_that_leads_inside_is_never_connected_to(monkeypatch, addresses):
    monkeypatch.setattr(guard.socket, "getaddrinfo", resolving_to(*addresses))
    monkeypatch.setattr(guard, "create_connection", lambda *a, **o: pytest.fail("connected"))
    with pytest.raises(Permanent, match=r"^https://hooks\.contoso\.example has "):
        send("https://hooks.contoso.example/services/secret", allow_private=False)


def test_the_address_connected_to_is_the_one_that_was_judged(chats: Receivers, monkeypatch):
    """DNS rebinding: the second answer of the resolver leads elsewhere, but nobody asks for it."""
    asked = []

    def rebinding(host, port, *args, **options):
        asked.append(host)
        return resolving_to("127.0.0.1" if host == "localhost" and len(asked) == 1 else "169.254.169.254")(host, port)

    genuine = socket.getaddrinfo
    monkeypatch.setattr(guard.socket, "getaddrinfo", lambda host, *a, **o: (
        genuine(host, *a, **o) if host == "127.0.0.1" else rebinding(host, *a, **o)))
    assert send(chats.url("teams")).status == 202
    assert asked == ["localhost"]


def test_the_second_address_is_tried_if_the_first_refuses(chats: Receivers, monkeypatch):
    genuine = socket.getaddrinfo
    monkeypatch.setattr(guard.socket, "getaddrinfo", lambda host, *a, **o: (
        resolving_to("127.0.0.2", "127.0.0.1")(host, *a) if host == "localhost" else genuine(host, *a, **o)))
    assert send(chats.url("teams")).status == 202


def test_loopback_is_refused_by_default(chats: Receivers):
    with pytest.raises(Permanent, match="PULLWATCH_ALLOW_PRIVATE_RECEIVERS"):
        send(chats.url("teams"), allow_private=False)
    assert chats.received == []


def test_no_thread_is_left_behind(chats: Receivers):
    send(chats.url("teams"))
    chats.script("teams", Fault.RESET)
    with pytest.raises(Unanswered):
        send(chats.url("teams"))
    time.sleep(0.05)
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
