"""A token bucket as AWS describes it: full at first, one token a request, refilled steadily up to its size."""

from dataclasses import dataclass, field


@dataclass
class TokenBucket:
    """So many requests at once, then so many a second."""

    burst: float
    per_s: float
    _tokens: float = field(init=False)
    _at: float = field(init=False, default=0.0)

    def __post_init__(self):
        self._tokens = self.burst

    def tokens(self, now: float) -> float:
        """How many are in it; time never goes back."""
        if now < self._at:
            raise ValueError(f"asked at {now} after {self._at}")
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.per_s)
        self._at = now
        return self._tokens

    def take(self, now: float, wanted: float = 1.0) -> bool:
        """Takes the tokens, all or none."""
        # What was added up in steps may fall short by a rounding.
        if self.tokens(now) + 1e-9 < wanted:
            return False
        self._tokens -= wanted
        return True


@dataclass
class RetryQuota:
    """How many retries a client of the SDK has left, for one service in one process.

    A retry costs `cost` of `size`; a call that then succeeds gives it back, one that succeeds at once adds one
    (aws-smithy-runtime 1.16, client/retries/token_bucket.rs and strategy/standard.rs).
    """

    size: int = 500
    cost: int = 5
    left: int = field(init=False)

    def __post_init__(self):
        self.left = self.size

    def take(self) -> bool:
        """Pays for a retry, if it can be paid for."""
        if self.left < self.cost:
            return False
        self.left -= self.cost
        return True

    def succeeded(self, retries: int) -> None:
        """A call has succeeded after so many retries: the last one's price comes back, those before are lost."""
        self.left = min(self.size, self.left + (self.cost if retries else 1))
