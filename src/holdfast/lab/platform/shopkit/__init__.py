"""Shopkit: what every service of the small production shares.

Telemetry, the HTTP server, flags, calls to other services with the trace carried on, and the
database's round trip. Services find it on their path, as a team finds its platform library.
"""

from .calls import call
from .database import connect
from .flags import flag
from .server import serve
from .settings import Settings

__all__ = ["Settings", "call", "connect", "flag", "serve"]
