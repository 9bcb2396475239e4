"""The same training in each framework, each in a process of its own."""
