"""What is timed: Mica beside its alternatives, in one run, in turns."""
