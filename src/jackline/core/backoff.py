"""How long to wait before trying again."""


def delay_s(
    failures: int,
    random: float,
    *,
    first_s: float = 0.5,
    most_s: float = 20.0,
    retry_after_s: float | None = None,
) -> float:
    """Return the wait after so many failures: anything up to a bound that doubles ("full jitter").

    `random` is at least 0 and below 1. Whoever failed may have said when to come back: the wait
    is never shorter than that. See M. Brooker, "Exponential Backoff And Jitter", AWS, 2015.
    """
    bound_s = min(most_s, first_s * 2.0 ** min(max(failures, 1) - 1, _DOUBLINGS))
    return max(0.0, retry_after_s or 0.0) + random * bound_s


_DOUBLINGS = 60  # Beyond, a float would overflow, and the bound was reached long ago.
