"""The token bucket and the SDK's retry quota."""

import random
import unittest

import assumptions
from bucket import RetryQuota, TokenBucket


class TheTokenBucket(unittest.TestCase):
    def test_it_gives_its_burst_at_once_and_then_its_rate(self):
        bucket = TokenBucket(burst=50, per_s=5)
        self.assertEqual(sum(bucket.take(0.0) for _ in range(80)), 50)
        self.assertEqual(sum(bucket.take(1.0) for _ in range(80)), 5)
        self.assertEqual(sum(bucket.take(1.1) for _ in range(80)), 0)

    def test_it_never_holds_more_than_its_burst(self):
        bucket = TokenBucket(burst=20, per_s=1)
        self.assertEqual(bucket.tokens(1e6), 20)

    def test_however_it_is_asked_it_gives_no_more_than_burst_and_rate(self):
        for seed in range(20):
            dice = random.Random(seed)
            bucket, now, given = TokenBucket(dice.randint(1, 50), dice.uniform(0.5, 20)), 0.0, 0
            for _ in range(500):
                now += dice.expovariate(20)
                given += bucket.take(now)
                self.assertLessEqual(given, bucket.burst + now * bucket.per_s + 1e-6)

    def test_what_cannot_be_given_whole_is_not_given(self):
        bucket = TokenBucket(burst=5, per_s=1)
        self.assertFalse(bucket.take(0.0, 6))
        self.assertEqual(bucket.tokens(0.0), 5)

    def test_time_does_not_go_back(self):
        bucket = TokenBucket(1, 1)
        bucket.take(5.0)
        with self.assertRaises(ValueError):
            bucket.take(4.0)

    def test_the_least_time_of_ecs_is_that_of_its_documentation(self):
        """1,000 services: half a minute less burst to read, 190 s to update, 980 s to register."""
        buckets = assumptions.read().buckets
        self.assertEqual(buckets["ecs:service-modify"].least_seconds(1_000), 190)
        self.assertEqual(buckets["ecs:definition-modify"].least_seconds(1_000), 980)
        self.assertEqual(buckets["ecs:service-read"].least_seconds(60), 0)


class TheRetryQuota(unittest.TestCase):
    def test_a_retry_costs_and_success_gives_back(self):
        quota = RetryQuota()
        self.assertTrue(quota.take())
        self.assertEqual(quota.left, 495)
        quota.succeeded(retries=1)
        self.assertEqual(quota.left, 500)

    def test_it_is_used_up_by_calls_that_never_succeed(self):
        quota = RetryQuota()
        self.assertEqual(sum(quota.take() for _ in range(1_000)), 100)
        quota.succeeded(retries=0)
        self.assertEqual(quota.left, 1)


if __name__ == "__main__":
    unittest.main()
