"""Is Pullwatch set up right? Every check makes the cheapest real call there is, and says what to do."""

from shared.doctor.check import Check, exit_code, render_json, render_text
from shared.doctor.examination import examine

__all__ = ["Check", "examine", "exit_code", "render_json", "render_text"]
