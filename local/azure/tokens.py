"""Managed identity as App Service offers it, and bearer tokens as each service checks them."""

import base64
import secrets
import threading
import time
from uuid import uuid4

import msgspec

from local.azure.http import Answer, RefusedError, Request, arm_error, logs_error

RESOURCE_MANAGER = ("https://management.azure.com", "https://management.core.windows.net")
MONITOR_METRICS = ("https://metrics.monitor.azure.com",)
LOG_ANALYTICS = ("https://api.loganalytics.io",)
KNOWN_AUDIENCES = RESOURCE_MANAGER + MONITOR_METRICS + LOG_ANALYTICS
TENANT_ID = "72f988bf-0000-4000-8000-2d7cd011db47"
LIFETIME_SECONDS = 86_400


class Tokens:
    """Issues tokens for one audience each and knows them again."""

    def __init__(self) -> None:
        self.identity_header = secrets.token_hex(16)
        self._lock = threading.Lock()
        self._issued: dict[str, tuple[str, float]] = {}

    def issue(self, request: Request) -> Answer:
        """Answers ``GET $IDENTITY_ENDPOINT?api-version=2019-08-01&resource=…`` ("How to use managed
        identities for App Service and Azure Functions", REST endpoint reference)."""
        if request.headers.get("x-identity-header") != self.identity_header:
            return _identity_error(401, "The X-IDENTITY-HEADER header is missing or wrong.")
        if request.query.get("api-version") != "2019-08-01":
            return _identity_error(400, "The api-version query parameter must be 2019-08-01.")
        audience = request.query.get("resource", "")
        if audience.rstrip("/") not in KNOWN_AUDIENCES:
            # App Service hides the directory's own complaint about an unknown resource behind a plain 500.
            return _identity_error(500, "An unexpected error occured while fetching the AAD Token.")
        client_id = request.query.get("client_id") or str(uuid4())
        token, expires = self._remember(audience, client_id)
        return Answer(
            body={
                "access_token": token,
                "expires_on": str(expires),
                "resource": audience,
                "token_type": "Bearer",
                "client_id": client_id,
            }
        )

    def check(self, request: Request, audiences: tuple[str, ...]) -> None:
        """Raises ``RefusedError`` (401) unless the request carries a valid token for one of ``audiences``."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthorized(
                audiences, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."
            )
        audience, expires = self._issued.get(token.strip(), ("", 0.0))
        if expires <= time.time():
            raise _unauthorized(audiences, "InvalidAuthenticationToken", "The access token is invalid.")
        if audience.rstrip("/") not in audiences:
            allowed = ",".join(f"'{each}/','{each}'" for each in audiences)
            raise _unauthorized(
                audiences,
                "InvalidAuthenticationTokenAudience",
                f"The access token has been obtained for wrong audience or resource '{audience}'. "
                f"It should exactly match with one of the allowed audiences {allowed}.",
            )

    def _remember(self, audience: str, client_id: str) -> tuple[str, int]:
        expires = int(time.time()) + LIFETIME_SECONDS
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{TENANT_ID}/",
            "exp": expires,
            "appid": client_id,
            "tid": TENANT_ID,
        }
        token = ".".join((_segment({"typ": "JWT", "alg": "RS256"}), _segment(claims), secrets.token_urlsafe(32)))
        with self._lock:
            self._issued[token] = (audience, expires)
        return token, expires


def _segment(value: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).rstrip(b"=").decode()


def _identity_error(status: int, message: str) -> Answer:
    return Answer(status=status, body={"statusCode": status, "message": message, "correlationId": str(uuid4())})


def _unauthorized(audiences: tuple[str, ...], code: str, message: str) -> RefusedError:
    challenge = f'Bearer authorization_uri="https://login.windows.net/{TENANT_ID}", error="invalid_token", error_description="{message}"'
    headers = {"WWW-Authenticate": challenge}
    if audiences == LOG_ANALYTICS:
        return logs_error(401, "AuthorizationRequiredError", "Valid authentication was not provided", headers)
    return arm_error(401, code, message, headers)
