"""Pure decisions with reasons: whose a project is, what a rule says of a file, what is to be fetched."""
