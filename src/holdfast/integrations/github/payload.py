"""The fields of GitHub's events that are read, under GitHub's names."""

from __future__ import annotations

from pydantic import Field, JsonValue

from holdfast.integrations.webhook_payload import MaybeTime, Text, Time, Wire

SENDER = "github"


class Repository(Wire):
    """Where it happened."""

    name: str = Field(min_length=1)
    full_name: str = Field(min_length=1)
    default_branch: Text = ""
    pushed_at: MaybeTime = None


class User(Wire):
    """Who did it."""

    login: Text = ""


class Deployment(Wire):
    """A deployment that somebody or something has asked for."""

    id: int
    sha: Text = ""
    ref: Text = ""
    task: Text = ""
    payload: JsonValue = None
    environment: Text = ""
    transient_environment: bool | None = None
    """True of environments that will vanish, as those of a pull request."""
    description: Text = ""
    creator: User | None = None
    created_at: Time


class Status(Wire):
    """How far it is: queued, pending, waiting, in_progress, success, failure, error, inactive."""

    state: str = Field(min_length=1)
    description: Text = ""
    created_at: Time


class DeploymentEvent(Wire):
    """`deployment`."""

    deployment: Deployment
    repository: Repository


class StatusEvent(DeploymentEvent):
    """`deployment_status`."""

    deployment_status: Status


class Commit(Wire):
    """The newest commit of a push; its time is of its author's clock."""

    message: Text = ""
    timestamp: MaybeTime = None


class Pusher(Wire):
    """Who pushed."""

    name: Text = ""


class PushEvent(Wire):
    """`push`."""

    ref: str = Field(min_length=1)
    before: Text = ""
    after: str = Field(min_length=1)
    deleted: bool = False
    head_commit: Commit | None = None
    pusher: Pusher | None = None
    repository: Repository
