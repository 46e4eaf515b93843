"""`python -m essayqa` is the `essayqa` command."""

from .cli import main

main()
