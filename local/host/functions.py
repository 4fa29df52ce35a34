"""What the worker says an app's functions are: name, trigger, outputs, with ``%SETTINGS%`` filled in."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.host.errors import HostError

TRIGGERS = ("queueTrigger", "timerTrigger", "httpTrigger", "eventGridTrigger")
OUTPUTS = ("queue", "http")
_SETTING = re.compile(r"%([^%]+)%")


@dataclass(frozen=True)
class Binding:
    """One entry of a function's bindings: ``properties`` is the whole of it, as in function.json."""

    name: str
    type: str
    properties: Mapping[str, Any]

    def storage(self, settings: Mapping[str, str]) -> str:
        """The connection string of a queue binding. Raises ``HostError`` when its setting is missing."""
        setting = self.properties.get("connection") or "AzureWebJobsStorage"
        if not settings.get(setting):
            raise HostError(f"The setting {setting} is missing: give it a storage connection string.")
        return settings[setting]


@dataclass(frozen=True)
class Function:
    """One function of the app."""

    name: str
    id: str
    trigger: Binding
    outputs: tuple[Binding, ...] = ()


def from_metadata(metadata: Any, settings: Mapping[str, str]) -> Function:
    """A function from its RpcFunctionMetadata. Raises ``HostError`` for what the local host cannot play."""
    if metadata.HasField("retry_options"):
        raise HostError(f"{metadata.name} has a retry policy, which the local host does not play.")
    bindings = [_binding(metadata.name, raw, settings) for raw in metadata.raw_bindings]
    triggers = [binding for binding in bindings if binding.type in TRIGGERS]
    outputs = tuple(binding for binding in bindings if binding.type in OUTPUTS)
    if len(triggers) != 1 or len(triggers) + len(outputs) != len(bindings):
        kinds = ", ".join(binding.type for binding in bindings)
        raise HostError(f"{metadata.name} has the bindings {kinds}; the local host plays {', '.join(TRIGGERS)} with {' and '.join(OUTPUTS)} outputs.")
    return Function(metadata.name, metadata.function_id, triggers[0], outputs)


def _binding(function: str, raw: str, settings: Mapping[str, str]) -> Binding:
    def filled(value: Any) -> Any:
        return _SETTING.sub(setting, value) if isinstance(value, str) else value

    def setting(match: re.Match[str]) -> str:
        if not settings.get(match[1]):
            raise HostError(f"{function} cannot be indexed: the setting {match[1]} in its binding is missing.")
        return settings[match[1]]

    properties = {key: filled(value) for key, value in json.loads(raw).items()}
    return Binding(properties["name"], properties["type"], properties)
