"""Benchmarks: programs that compare the server with a peer in the same run and print ratios."""
