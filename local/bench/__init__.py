"""What the product costs, measured: ``make bench``. Never deployed."""
