"""What upstream indexes took back of the files that are kept here, and who had taken those."""
