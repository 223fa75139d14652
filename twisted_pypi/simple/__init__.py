"""The simple repository API (PEP 503, 691 and their successors): model, negotiation, HTML and JSON."""
