"""The README's pictures, and the headless Chromium that draws them and tests the report page."""
