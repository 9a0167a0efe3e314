"""`python -m jackline`: the command, where it is not on the PATH."""

from jackline.cli import main

if __name__ == "__main__":
    main()
