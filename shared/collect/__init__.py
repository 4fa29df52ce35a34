"""Azure → one ``Case``: everything measured about a node pool in a window."""
