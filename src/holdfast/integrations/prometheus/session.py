"""How the Prometheus HTTP API is reached: credentials, timeouts, and what failures mean."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

import httpx2

from holdfast.errors import ConfigError, HoldfastError, QueryRefused, SourceUnavailable
from holdfast.integrations.prometheus.answers import as_error, refusal_in
from holdfast.model.config import MetricsSettings
from holdfast.promql.bounded import TooLarge, fetch

_BYTES_AT_MOST = 256 * 1024 * 1024
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Session:
    """Asks one server. Safe for several threads; keeps connections alive.

    No message carries a credential: neither what was configured, nor one written into the URL.
    """

    def __init__(self, settings: MetricsSettings) -> None:
        """Raises ConfigError where the URL, a credential or the CA file cannot be used."""
        url = _base_url(settings.url)
        headers, auth = _headers(settings), _basic_auth(settings, url)
        self._secrets = _secrets(settings, url)
        self.name = f"prometheus {_public(url)}"
        self._timeout_seconds = settings.timeout_seconds
        self._client = httpx2.Client(
            base_url=url.copy_with(username=None, password=None),
            headers=headers,
            auth=auth,
            verify=_trust(settings.ca_file),
            trust_env=url.host not in _LOOPBACK,
            limits=httpx2.Limits(keepalive_expiry=60.0),
        )

    def ask(self, path: str, fields: Mapping[str, str]) -> bytes:
        """POST a form; return the body of a success.

        Where the server does not take POST (405, 501: some read-only proxies), GET is used. Raises
        SourceUnavailable, QueryRefused or PromQLError.
        """
        answer = self._send(self._client.build_request("POST", path, data=dict(fields)))
        if answer.status_code in (405, 501):
            answer = self._send(self._client.build_request("GET", path, params=dict(fields)))
        return self._checked(answer)

    def get(self, path: str) -> bytes:
        """GET; return the body of a success. Raises as `ask` does."""
        return self._checked(self._send(self._client.build_request("GET", path)))

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _send(self, request: httpx2.Request) -> httpx2.Response:
        try:
            return fetch(
                self._client,
                request,
                timeout_seconds=self._timeout_seconds,
                bytes_at_most=_BYTES_AT_MOST,
            )
        except httpx2.TimeoutException:
            raise SourceUnavailable(
                f"{self.name} did not answer within {self._timeout_seconds:g} s",
                hint="ask for a shorter window, or raise metrics.timeout_seconds",
            ) from None
        except TooLarge as error:
            raise QueryRefused(f"{self.name}: {error}", hint="ask for fewer series") from None
        except httpx2.HTTPError as error:
            raise SourceUnavailable(
                f"{self.name} cannot be reached: {self._quiet(str(error))}",
                hint="is metrics.url right?",
            ) from None

    def _checked(self, answer: httpx2.Response) -> bytes:
        body = answer.content
        refusal = refusal_in(body)
        if refusal is not None:
            refusal = refusal.model_copy(update={"error": self._quiet(refusal.error)})
        if refusal is not None and answer.status_code in (200, 400, 422):
            raise as_error(refusal, self.name)
        if answer.status_code != 200:
            raise self._failure(answer, refusal.error if refusal is not None else "")
        return body

    def _quiet(self, text: str) -> str:
        """Return the text without the secrets: a server may repeat what it was sent."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _failure(self, answer: httpx2.Response, said: str) -> HoldfastError:
        status = answer.status_code
        message = f"{self.name} answered {status} {answer.reason_phrase}" + f": {said}" * bool(said)
        if status >= 500 or status in (408, 429):
            return SourceUnavailable(message, hint="ask again later")
        hints = {
            401: "name a token or password by metrics.token_env or metrics.password_env",
            403: "may these credentials read, and for this metrics.tenant?",
            404: "is the path prefix in metrics.url right?",
        }
        moved = "metrics.url leads to another address: a login page?" if status < 400 else ""
        return QueryRefused(message, hint=hints.get(status, moved))


def _base_url(text: str | None) -> httpx2.URL:
    if not text:
        raise ConfigError("metrics.url is missing", hint="for example http://127.0.0.1:9090")
    try:
        url = httpx2.URL(text.rstrip("/") + "/")
    except httpx2.InvalidURL as error:
        raise ConfigError(f"metrics.url is no URL: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigError("metrics.url needs http:// or https:// and a host")
    return url


def _public(url: httpx2.URL) -> str:
    """Return the URL without what may be secret in it."""
    return str(url.copy_with(username=None, password=None, query=None, fragment=None)).rstrip("/")


def _headers(settings: MetricsSettings) -> dict[str, str]:
    headers = {"Accept": "application/json", "User-Agent": "holdfast"}
    if settings.tenant is not None:
        headers["X-Scope-OrgID"] = settings.tenant
    if settings.token_env is not None:
        headers["Authorization"] = f"Bearer {_secret(settings.token_env, 'metrics.token_env')}"
    return headers


def _basic_auth(settings: MetricsSettings, url: httpx2.URL) -> httpx2.BasicAuth | None:
    if settings.token_env is not None:
        return None
    if settings.username is not None:
        named = settings.password_env
        password = _secret(named, "metrics.password_env") if named else ""
        return httpx2.BasicAuth(settings.username, password)
    return httpx2.BasicAuth(url.username, url.password) if url.username else None


def _secrets(settings: MetricsSettings, url: httpx2.URL) -> tuple[str, ...]:
    variables = (settings.token_env, settings.password_env)
    found = [os.environ.get(name, "").strip() for name in variables if name]
    return tuple(secret for secret in (*found, url.password) if secret)


def _secret(variable: str, field: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ConfigError(
            f"the environment variable {variable} is empty", hint=f"it is named by {field}"
        )
    return value


def _trust(ca_file: Path | None) -> ssl.SSLContext | bool:
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"metrics.ca_file {ca_file} cannot be used: {error}") from None
