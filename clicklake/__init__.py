"""The `clicklake` command: everything that runs on an operator's machine."""

__version__ = "0.2.0"
