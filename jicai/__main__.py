"""`python -m jicai`."""

from jicai.cli import main

main()
