"""What the value of a setting must look like, beyond its type. Each raises ``Misconfigured`` naming the setting, never its value."""

import base64
import binascii
import re
from urllib.parse import urlsplit

from shared.errors import Misconfigured
from shared.schedules import is_schedule

KEY_PREFIX = "whsec_"
SHORTEST_LINK_SECRET = 16


def check_resolved(name: str, value: str) -> None:
    """The platform puts the secret in the place of a Key Vault reference, or leaves the reference where it may not read it."""
    if value.strip().startswith("@Microsoft.KeyVault("):
        raise Misconfigured(f"{name} is an unresolved Key Vault reference: give the app's identity the role Key Vault Secrets User and restart it.")


def check_url(name: str, url: str) -> None:
    """An https URL of a host, without a password."""
    if not url:
        return
    if any(character.isspace() or not character.isprintable() for character in url):
        raise Misconfigured(f"{name} must be an https URL without blanks in it.")
    try:
        parts = urlsplit(url)
        whole = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise Misconfigured(f"{name} must be an https URL.")
    if parts.username or parts.password:
        raise Misconfigured(f"{name} must not hold a user name or password.")


def signing_keys(name: str, words: str) -> list[bytes]:
    """The keys of a webhook: one, or several separated by blanks while they rotate (Standard Webhooks 1.0)."""
    return [_signing_key(name, word) for word in words.split()]


def _signing_key(name: str, word: str) -> bytes:
    try:
        key = base64.b64decode(word.removeprefix(KEY_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not 24 <= len(key) <= 64:
        raise Misconfigured(f"{name} must hold {KEY_PREFIX} and the base64 of 24 to 64 random bytes.") from None
    return key


def check_link_secret(name: str, secret: str) -> None:
    if secret and len(secret) < SHORTEST_LINK_SECRET:
        raise Misconfigured(f"{name} is too short: set it to {SHORTEST_LINK_SECRET} or more random characters.")


def check_account_name(name: str, account: str) -> None:
    if account and not re.fullmatch(r"[a-z0-9]{3,24}", account):
        raise Misconfigured(f"{name} must be the name of a storage account: 3 to 24 small letters and digits.")


def check_schedule(name: str, text: str) -> None:
    if not is_schedule(text):
        raise Misconfigured(f"{name} is {text[:60]!r}: give an NCRONTAB schedule of six fields, seconds first, such as '0 */5 * * * *'.")
