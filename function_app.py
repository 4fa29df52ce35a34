"""The cloud door: one function app of all triggers."""

import logging

import azure.functions as func

from functions.events import events
from functions.notices import notices
from functions.pools import pools
from functions.web import web

logging.getLogger("azure").setLevel(logging.WARNING)  # the SDKs log every request; ours are counted elsewhere

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
app.register_functions(events)
app.register_functions(pools)
app.register_functions(notices)
app.register_functions(web)
