"""What changed, and what is told about it: operations, incidents, and the rows that remember them."""
