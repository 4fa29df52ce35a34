"""Writes ``docs/settings.md`` from the settings themselves: ``python -m local.settings_page``."""

from pathlib import Path
from typing import Any, get_args

import msgspec

from shared.settings import Secret, Settings, env_name

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
INTRO = """# Settings

Settings are environment variables of the function app (application settings), or of the shell for
`pullwatch.py`. One receiver URL is enough to start; everything else has a default. A wrong value stops
`pullwatch.py` with one sentence that names it, and shows in `/api/health` of the function app.

Secrets may be [Key Vault references](https://learn.microsoft.com/azure/app-service/app-service-key-vault-references);
they never show in a log or an error.

| setting | default | meaning |
|---|---|---|
"""


def page() -> str:
    """The page as it should be, this page's table a line per setting."""
    return INTRO + "".join(f"| `{env_name(f.name)}` | {_default(f.default)} | {_meaning(f.type)} |\n" for f in msgspec.structs.fields(Settings))


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "empty" if value in ("", (), Secret("")) else f"`{value}`"


def _meaning(kind: Any) -> str:
    metas = [m for m in get_args(kind) if isinstance(m, msgspec.Meta) and m.description]
    choices = [str(a) for part in get_args(kind)[:1] for a in get_args(part) if isinstance(a, str)]
    told = f" One of: {', '.join(f'`{c}`' for c in choices)}." if choices else ""
    return metas[0].description + told


if __name__ == "__main__":
    PAGE.write_text(page())
