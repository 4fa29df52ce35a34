"""Settings: every one documented, wrong ones named in one sentence, secrets never shown."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.settings_page import page
from shared.errors import Misconfigured
from shared.model import Thresholds
from shared.settings import Settings, env_name, load

DOCS = Path(__file__).parent.parent / "docs" / "settings.md"
FIELDS = [f.name for f in msgspec.structs.fields(Settings)]
URL = "https://example.webhook.test/services/T000/B000/verysecretpath?sig=alsosecret"
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_settings_page_is_the_one_the_settings_write() -> None:
    assert DOCS.read_text() == page(), "run: python -m local.settings_page"


@pytest.mark.parametrize("field", FIELDS)
def test_every_setting_is_documented_in_a_line_of_its_own(field: str) -> None:
    (line,) = [row for row in DOCS.read_text().splitlines() if row.startswith(f"| `{env_name(field)}` ")]
    assert len(line.split("|")[3]) > 20


def test_an_empty_environment_gives_the_defaults() -> None:
    assert load({}) == Settings()
    assert load({"PULLWATCH_QUEUE_DEPTH": "  "}).queue_depth == 20


def test_thresholds_default_to_the_same_numbers_with_and_without_settings() -> None:
    assert load({}).thresholds == Thresholds()


def test_words_are_split_at_commas_and_trimmed() -> None:
    assert load({"PULLWATCH_CLUSTERS": " prod-weu, ,prod-neu "}).clusters == ("prod-weu", "prod-neu")


@pytest.mark.parametrize(("name", "value", "says"), [
    ("PULLWATCH_QUEUE_DEPTH", "-1", "expected `float` > 0.0"),
    ("PULLWATCH_QUEUE_DEPTH", "many", "expected `float`"),
    ("PULLWATCH_SATURATED_PERCENT", "101", "<= 100.0"),
    ("PULLWATCH_ALLOW_PRIVATE_RECEIVERS", "maybe", "expected `bool`"),
    ("AZURE_CLOUD", "Mars", "invalid enum value"),
    ("PULLWATCH_TEAMS_URL", "http://example.test/x", "must be an https URL"),
    ("PULLWATCH_TEAMS_URL", "https://user:word@example.test/x", "must not hold a user name"),
    ("PULLWATCH_SLACK_URL", "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/n)", "Key Vault Secrets User"),
    ("PULLWATCH_LINK_SECRET", "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/n)", "Key Vault Secrets User"),
    ("PULLWATCH_TEAMS_URL_PAY", "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/n)", "Key Vault Secrets User"),
    ("PULLWATCH_TEAMS_URL", "https://[", "must be an https URL"),
    ("PULLWATCH_TEAMS_URL", "https://example.test:99999/x", "must be an https URL"),
    ("PULLWATCH_TEAMS_URL_PAY", "https://example.test/a b", "without blanks"),
    ("PULLWATCH_WEBHOOK_SECRET", "whsec_short", "base64 of 24 to 64 random bytes"),
    ("AZURE_RESOURCE_MANAGER_ENDPOINT", "management.azure.com", "must be an https URL"),
    ("PULLWATCH_GROUP_WAIT_SECONDS", "inf", "<= 86400"),
    ("PULLWATCH_KEEP_DAYS", "1e9", "<= 3650"),
    ("PULLWATCH_QUEUE_DEPTH", "nan", "expected `float`"),
    ("PULLWATCH_SWEEP_SCHEDULE", "*/5 * * * *", "six fields"),
    ("PULLWATCH_TIDY_SCHEDULE", "0 61 * * * *", "six fields"),
    ("PULLWATCH_DIGEST_SCHEDULE", "weekly", "six fields"),
    ("AzureWebJobsStorage__accountName", "https://x.blob.core.windows.net", "name of a storage account"),
])
def test_a_wrong_setting_is_named_in_one_sentence(name: str, value: str, says: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load({name: value})
    text = str(caught.value)
    assert text.startswith(name)
    assert says in text
    assert text.endswith(".")


@given(st.sampled_from([env_name(field) for field in FIELDS if field != "further_receivers"]),
       st.text() | st.floats().map(str) | st.sampled_from(["https://[", "https://a:b", "@Microsoft.KeyVault(", "9" * 400, "[{}]", "* * * * * *"]))
def test_whatever_the_value_of_a_setting_it_is_taken_or_named(name: str, value: str) -> None:
    try:
        taken = load({name: value})
    except Misconfigured as problem:
        taken, complaint = Settings(), str(problem)
    else:
        complaint = f"{name} is fine."
    assert complaint.startswith((name, "PULLWATCH_WEBHOOK_SECRET is missing"))
    assert "\n" not in complaint
    spans = [timedelta(days=taken.keep_days), timedelta(days=taken.keep_delivered_days), timedelta(hours=taken.repeat_interval_hours)]
    assert all(datetime(2026, 11, 24, tzinfo=UTC) - span for span in spans), "no number is beyond the calendar"


def test_a_webhook_without_a_signing_key_is_refused() -> None:
    with pytest.raises(Misconfigured, match="PULLWATCH_WEBHOOK_SECRET is missing"):
        load({"PULLWATCH_WEBHOOK_URL": URL})


def test_secrets_show_in_no_text_form_of_the_settings() -> None:
    settings = load({"PULLWATCH_TEAMS_URL": URL, "PULLWATCH_WEBHOOK_URL": URL, "PULLWATCH_WEBHOOK_SECRET": KEY})
    shown = f"{settings} {settings!r} {settings.teams_url}"
    assert "secretpath" not in shown
    assert "MfKQ" not in shown
    assert settings.teams_url.reveal() == URL


@pytest.mark.parametrize("url", ["http://example.test/verysecretpath", "https://u:verysecretpath@example.test/"])
def test_the_complaint_about_a_url_does_not_quote_it(url: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load({"PULLWATCH_SLACK_URL": url})
    assert "verysecretpath" not in str(caught.value)


def test_receivers_are_those_with_an_address() -> None:
    assert load({}).receivers == ()
    assert load({"PULLWATCH_SLACK_URL": URL, "PULLWATCH_TEAMS_URL": URL}).receivers == ("teams", "slack")
