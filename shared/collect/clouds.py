"""Endpoints and token audiences of the three Azure clouds.

Sources: "Azure Monitor Query client library" and "… Query Metrics client library" (sovereign clouds),
"Azure Government endpoints", "Azure China developer guide".
"""

import msgspec

from shared.settings import Settings


class Cloud(msgspec.Struct, frozen=True):
    authority: str
    resource_manager: str
    metrics: str
    """``{region}`` stands for the region of the resources asked about."""
    metrics_audience: str
    logs: str
    portal: str


_CLOUDS = {
    "AzureCloud": Cloud(
        "https://login.microsoftonline.com", "https://management.azure.com",
        "https://{region}.metrics.monitor.azure.com", "https://metrics.monitor.azure.com",
        "https://api.loganalytics.io", "https://portal.azure.com",
    ),
    "AzureUSGovernment": Cloud(
        "https://login.microsoftonline.us", "https://management.usgovcloudapi.net",
        "https://{region}.metrics.monitor.azure.us", "https://metrics.monitor.azure.us",
        "https://api.loganalytics.us", "https://portal.azure.us",
    ),
    "AzureChinaCloud": Cloud(
        "https://login.partner.microsoftonline.cn", "https://management.chinacloudapi.cn",
        "https://{region}.metrics.monitor.azure.cn", "https://metrics.monitor.azure.cn",
        "https://api.loganalytics.azure.cn", "https://portal.azure.cn",
    ),
}


def cloud(settings: Settings) -> Cloud:
    """The chosen cloud. Token audiences stay the cloud's own when an endpoint is overridden."""
    return _CLOUDS[settings.azure_cloud]
