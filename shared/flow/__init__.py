"""The way of one event, verb by verb: wake → collect → diagnose → watch → notify.

Each function here is what one trigger calls. What is decided is decided in ``events``, ``diagnose`` and
``watch``; here it is only read, stored and passed on. Queue messages come at least once: every step
looks at the row first and does nothing twice.
"""
