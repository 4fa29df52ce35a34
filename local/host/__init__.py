"""The local Functions host: what Azure's host does around the Python worker, on this machine.

``Host`` indexes the real ``function_app.py`` with the genuine worker library and then plays the
host: polls storage queues, keeps timers, serves HTTP routes and the Event Grid webhook.
"""

from local.host.errors import HostError
from local.host.host import Host
from local.host.http import LOCAL_KEY
from local.host.log import Invocation, LogLine

__all__ = ["LOCAL_KEY", "Host", "HostError", "Invocation", "LogLine"]
