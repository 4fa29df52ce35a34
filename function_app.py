"""The cloud door: one function app of all triggers."""

import azure.functions as func

from functions.events import events
from functions.notices import notices
from functions.pools import pools
from functions.web import web

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
for blueprint in (events, pools, notices, web):
    app.register_functions(blueprint)
