"""`python -m clicklake`: the same as the `clicklake` command."""

from clicklake.cli.group import main

if __name__ == "__main__":
    main(prog_name="clicklake")
