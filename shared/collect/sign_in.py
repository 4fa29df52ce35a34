"""One sign-in at a time: threads that start together need one token, not one each."""

import threading
from typing import Any


class OneSignIn:
    """A credential of azure-identity behind a lock: who comes second finds the token in its cache."""

    def __init__(self, credential: Any) -> None:
        self._credential = credential
        self._lock = threading.Lock()

    def get_token(self, *scopes: str, **options: Any) -> Any:
        with self._lock:
            return self._credential.get_token(*scopes, **options)

    def get_token_info(self, *scopes: str, **options: Any) -> Any:
        with self._lock:
            return self._credential.get_token_info(*scopes, **options)

    def close(self) -> None:
        self._credential.close()
