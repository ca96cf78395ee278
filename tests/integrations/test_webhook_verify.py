"""Who sent it: published signatures, rotation, windows, tokens; and everything else is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from holdfast.errors import ConfigError, SenderRefused
from holdfast.integrations.adapters import ADAPTERS
from holdfast.integrations.webhook import Delivery, receive
from holdfast.integrations.webhook_verify import MOST_SIGNATURES, Credentials
from support.webhooks import NOW, delivery, grafana, pagerduty, signed

PAGERDUTY = ADAPTERS.get("pagerduty")
GRAFANA = ADAPTERS.get("grafana")
GITHUB = ADAPTERS.get("github")
CLOUDEVENTS = ADAPTERS.get("cloudevents")
ALERTMANAGER = ADAPTERS.get("alertmanager")


def test_the_signature_that_github_publishes_is_accepted() -> None:
    """The secret, the body and the digest of GitHub's "Validating webhook deliveries"."""
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    request = delivery(b"Hello, World!", {"X-Hub-Signature-256": f"sha256={digest}"})
    shown = GITHUB.verify(request, Credentials(signing_secrets=("It's a Secret to Everybody",)))
    assert (shown.by, shown.signed_at) == ("signature", None)


def test_the_signature_of_standard_webhooks_is_accepted_with_its_time() -> None:
    """The example of the Standard Webhooks and Svix documentation."""
    request = Delivery.of(
        b'{"test": 2432232314}',
        [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ],
        received_at=datetime.fromtimestamp(1614265330 + 60, UTC),
    )
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    shown = CLOUDEVENTS.verify(request, Credentials(signing_secrets=("old", secret)))
    assert shown.signed_at == datetime.fromtimestamp(1614265330, UTC)
    for name, value in (("webhook-id", "another"), ("webhook-timestamp", "1614265331")):
        changed = {**request.headers, name: value}
        other = Delivery.of(request.body, changed.items(), received_at=request.received_at)
        with pytest.raises(SenderRefused, match="not of this body"):
            CLOUDEVENTS.verify(other, Credentials(signing_secrets=("old", secret)))


def test_pagerdutys_signature_holds_while_its_secrets_are_rotated() -> None:
    old = signed(pagerduty(), "old secret", "X-PagerDuty-Signature", "v1=")
    new = signed(pagerduty(), "new secret", "X-PagerDuty-Signature", "v1=")
    both = f"{old.header('x-pagerduty-signature')},{new.header('x-pagerduty-signature')}"
    sent = delivery(old.body, {"X-PagerDuty-Signature": both})
    for known in (("old secret",), ("new secret",), ("old secret", "new secret")):
        assert PAGERDUTY.verify(sent, Credentials(signing_secrets=known)).by == "signature"
    with pytest.raises(SenderRefused):
        PAGERDUTY.verify(sent, Credentials(signing_secrets=("another",)))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "v1=",
        "v1=zz",
        "v2=00ff",
        "v1=" + "0" * 64,
        "sha256=" + "0" * 64,
        "v1=é\udcff",
        "," * 50,
        ",".join(["v1=00"] * (MOST_SIGNATURES + 1)),
    ],
)
def test_a_signature_that_is_none_is_refused(header: str) -> None:
    request = delivery(pagerduty(), {"X-PagerDuty-Signature": header})
    with pytest.raises(SenderRefused):
        PAGERDUTY.verify(request, Credentials(signing_secrets=("secret",)))


def test_a_header_may_hold_ten_signatures_and_no_more() -> None:
    good = signed(pagerduty(), "secret", "X-PagerDuty-Signature", "v1=")
    digest = good.header("X-PagerDuty-Signature")
    for others, taken in ((MOST_SIGNATURES - 1, True), (MOST_SIGNATURES, False)):
        header = ",".join([digest, *(["v1=00"] * others)])
        sent = delivery(good.body, {"X-PagerDuty-Signature": header})
        try:
            assert PAGERDUTY.verify(sent, Credentials(signing_secrets=("secret",)))
        except SenderRefused:
            assert not taken
        else:
            assert taken


def test_one_changed_byte_of_the_body_is_refused() -> None:
    sent = signed(pagerduty(), "secret", "X-PagerDuty-Signature", "v1=")
    header = {"X-PagerDuty-Signature": sent.header("X-PagerDuty-Signature")}
    credentials = Credentials(signing_secrets=("secret",))
    assert PAGERDUTY.verify(delivery(sent.body, header), credentials).by == "signature"
    with pytest.raises(SenderRefused):
        PAGERDUTY.verify(delivery(sent.body + b" ", header), credentials)


def test_nothing_of_the_body_is_read_before_the_sender_is_known() -> None:
    with pytest.raises(SenderRefused):
        receive(PAGERDUTY, delivery(b"not JSON"), Credentials(signing_secrets=("secret",)))


def _of_grafana(seconds_ago: float, *, secret: str = "s") -> Delivery:
    body = delivery(grafana()).body
    sent = str(int((NOW - timedelta(seconds=seconds_ago)).timestamp()))
    content = sent.encode() + b":" + body
    digest = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    return delivery(body, {"X-Grafana-Alerting-Signature": digest, "X-Sent": sent})


@pytest.mark.parametrize(
    ("seconds_ago", "taken"), [(0, 1), (300, 1), (-300, 1), (301, 0), (-302, 0)]
)
def test_grafanas_signed_time_must_lie_in_the_window(seconds_ago: float, taken: int) -> None:
    credentials = Credentials(signing_secrets=("s",), timestamp_header="X-Sent")
    if taken:
        shown = GRAFANA.verify(_of_grafana(seconds_ago), credentials)
        assert shown.signed_at == NOW - timedelta(seconds=seconds_ago)
        return
    with pytest.raises(SenderRefused, match="300 seconds"):
        GRAFANA.verify(_of_grafana(seconds_ago), credentials)


def test_grafanas_time_is_covered_by_its_signature() -> None:
    credentials = Credentials(signing_secrets=("s",), timestamp_header="X-Sent")
    stolen = _of_grafana(3600)
    headers = {**stolen.headers, "x-sent": str(int(NOW.timestamp()))}
    with pytest.raises(SenderRefused, match="not of this body"):
        GRAFANA.verify(delivery(stolen.body, headers), credentials)
    for missing in ("", "soon", "1e9", "²", "9" * 30):
        with pytest.raises(SenderRefused, match="X-Sent"):
            GRAFANA.verify(delivery(stolen.body, {**headers, "x-sent": missing}), credentials)


def test_without_a_named_header_grafana_signs_the_body_alone() -> None:
    sent = signed(grafana(), "s", "X-Grafana-Alerting-Signature", "")
    assert GRAFANA.verify(sent, Credentials(signing_secrets=("s",))).signed_at is None


def test_a_bearer_token_is_accepted_in_plain_and_as_its_hash() -> None:
    request = delivery({}, {"Authorization": "bearer  t0ken"})
    known = hashlib.sha256(b"t0ken").hexdigest()
    for credentials in (
        Credentials(bearer_tokens=("other", "t0ken")),
        Credentials(bearer_token_hashes=(known.upper(),)),
        Credentials(bearer_tokens=("t0ken",), basic=(("u", "p"),)),
    ):
        assert ALERTMANAGER.verify(request, credentials).by == "bearer"


def test_basic_auth_is_accepted_with_a_colon_in_the_password() -> None:
    shown = base64.b64encode("prom:a:ü".encode()).decode()
    request = delivery({}, {"Authorization": f"Basic {shown}"})
    assert ALERTMANAGER.verify(request, Credentials(basic=(("prom", "a:ü"),))).by == "basic"


@pytest.mark.parametrize(
    "header",
    ["", "t0ken", "Bearer", "Bearer t0ke", "Bearer t0ken, Bearer t0ken", "Basic !!", "Basic é",
     "Digest t0ken", "Basic " + base64.b64encode(b"prom").decode(), "Bearer \udcff"],
)  # fmt: skip
def test_any_other_authorization_is_refused(header: str) -> None:
    credentials = Credentials(bearer_tokens=("t0ken",), basic=(("prom", "secret"),))
    with pytest.raises(SenderRefused, match="Authorization"):
        ALERTMANAGER.verify(delivery({}, {"Authorization": header}), credentials)


def test_where_a_secret_and_a_token_are_configured_both_must_hold() -> None:
    credentials = Credentials(signing_secrets=("s",), bearer_tokens=("t",))
    only_signed = signed(pagerduty(), "s", "X-PagerDuty-Signature", "v1=")
    with pytest.raises(SenderRefused, match="Authorization"):
        PAGERDUTY.verify(only_signed, credentials)
    with pytest.raises(SenderRefused, match="X-PagerDuty-Signature"):
        PAGERDUTY.verify(delivery(pagerduty(), {"Authorization": "Bearer t"}), credentials)
    both = delivery(only_signed.body, {**only_signed.headers, "authorization": "Bearer t"})
    assert PAGERDUTY.verify(both, credentials).by == "signature+bearer"


@pytest.mark.parametrize("name", ADAPTERS.names)
def test_without_credentials_everybody_is_refused(name: str) -> None:
    with pytest.raises(SenderRefused, match="no credentials"):
        ADAPTERS.get(name).verify(delivery({}), Credentials())
    assert ADAPTERS.get(name).verify(delivery({}), Credentials(unverified=True)).by == "nobody"


@pytest.mark.parametrize(
    "wrong",
    [
        {"signing_secrets": ("",)},
        {"signing_secrets": ("good", " ")},
        {"bearer_tokens": ("",)},
        {"bearer_token_hashes": ("",)},
        {"basic": (("user", ""),)},
        {"bearer_tokens": ("t",), "unverified": True},
        {"bearer_tokens": ("t",), "timestamp_header": "X-Sent"},
        {"window_seconds": 0.0},
        {"window_seconds": float("inf")},
        {"window_seconds": float("nan")},
    ],
)
def test_credentials_that_anybody_could_show_are_an_error(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Credentials(**wrong)  # type: ignore[arg-type]


def test_a_secret_for_a_sender_that_signs_nothing_is_an_error_of_configuration() -> None:
    with pytest.raises(ConfigError, match="signs nothing"):
        ALERTMANAGER.verify(delivery({}), Credentials(signing_secrets=("s",)))
    now = {"webhook-timestamp": str(int(NOW.timestamp()))}
    with pytest.raises(ConfigError, match="base64"):
        CLOUDEVENTS.verify(delivery({}, now), Credentials(signing_secrets=("whsec_!",)))


def test_a_signature_over_the_body_does_not_vouch_for_the_headers_of_binary_mode() -> None:
    request = delivery({}, {"ce-specversion": "1.0"})
    with pytest.raises(SenderRefused, match="binary mode"):
        CLOUDEVENTS.verify(request, Credentials(signing_secrets=("s",)))


def test_no_secret_shows_in_a_repr_or_an_error() -> None:
    credentials = Credentials(
        signing_secrets=("hush1",), bearer_tokens=("hush2",), basic=(("u", "hush3"),)
    )
    assert "hush" not in repr(credentials)
    with pytest.raises(SenderRefused) as caught:
        PAGERDUTY.verify(delivery({}, {"Authorization": "Bearer guess"}), credentials)
    assert "hush" not in str(caught.value)
    assert "guess" not in str(caught.value)
