"""How far a metric is from an independent computation of the same number: printed (pytest -rP) and bounded."""


def assert_agree(metric: str, ours: float, oracle: str, theirs: float, within: float, absolute: float = 0.0) -> None:
    """Print both numbers on one line; fail where they differ by more than `within`, relative, plus `absolute`."""
    difference = abs(ours - theirs)
    relative = difference / abs(theirs) if theirs else difference
    print(f"{metric}: ours {ours:.6g}, {oracle} {theirs:.6g}, relative difference {relative:.1e}")
    assert difference <= within * abs(theirs) + absolute
