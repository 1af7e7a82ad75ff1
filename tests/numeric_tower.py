"""The checker of types and shapes under pytest: beartype, for which an int is a float, as it is for Python."""

from beartype import BeartypeConf, beartype

checker = beartype(conf=BeartypeConf(is_pep484_tower=True))
