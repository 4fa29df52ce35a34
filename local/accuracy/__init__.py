"""How often the diagnosis is right: scenarios with a known truth, the product's own collect and diagnose. Never deployed."""
