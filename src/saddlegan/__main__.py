"""`python -m saddlegan` is `saddlegan`."""

from saddlegan.cli import main

main()
