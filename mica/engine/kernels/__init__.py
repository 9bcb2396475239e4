"""Kernels: small C programs, made at first use where there is a compiler."""
