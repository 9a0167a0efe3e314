"""The command line: one file a command, each imported only when it is asked for.

`program` lists the commands. A new one is a line there and a file here, which holds a function
of the command's name that returns an exit code (see `options.command`).
"""

import sys


def main() -> None:
    """Run the command that the process was started with."""
    from jackline.cli.program import program  # noqa: PLC0415 - not for those who import jackline

    arguments = sys.argv[1:]
    program(arguments)(args=arguments, prog_name="jackline")
