"""The simulation: its clock, the calls' attempts, and what has to hold of every run."""

import dataclasses
import unittest

import assumptions
import product
import storms
import ticks
import waves
from simulation import Aws, Clock, Process, Sleep, Together

TOLD, FACTS = assumptions.read(), product.read()


class TheClock(unittest.TestCase):
    def test_tasks_that_go_together_take_as_long_as_the_longest(self):
        clock, ended = Clock(), []

        def child(seconds):
            yield Sleep(seconds)
            return seconds

        def parent():
            answers = yield Together([child(3), child(1), child(2)])
            ended.append((clock.now, answers))

        clock.start(parent())
        clock.run()
        self.assertEqual(ended, [(3.0, [3, 1, 2])])

    def test_side_by_side_is_a_limit(self):
        clock, now, most = Clock(), [], []

        def child():
            now.append(1)
            most.append(len(now))
            yield Sleep(1)
            now.pop()

        def parent():
            yield Together([child() for _ in range(10)], at_once=4)
            most.append(clock.now)

        clock.start(parent())
        clock.run()
        self.assertEqual(most[-1], 3.0)
        self.assertEqual(max(most[:-1]), 4)

    def test_nothing_runs_after_the_end(self):
        clock, seen = Clock(), []

        def task():
            for _ in range(10):
                seen.append(clock.now)
                yield Sleep(1)

        clock.start(task())
        clock.run(until=4.5)
        self.assertEqual(seen, [0, 1, 2, 3, 4])


def asked(calls: int, api: str = "ecs:UpdateService", process: Process | None = None):
    clock = Clock()
    aws = Aws(clock, TOLD, seed=7)
    answers = []

    def task():
        answers.extend((yield Together([aws.call(process or Process(), api) for _ in range(calls)])))

    clock.start(task())
    clock.run()
    return aws.tally, answers


class Calls(unittest.TestCase):
    def test_within_the_burst_each_has_one_attempt(self):
        tally, answers = asked(50)
        self.assertTrue(all(answers))
        self.assertEqual(tally.attempts["ecs:UpdateService"], 50)

    def test_past_it_each_has_three_and_no_more(self):
        tally, answers = asked(500)
        self.assertEqual(answers.count(False), tally.failed["ecs:UpdateService"])
        self.assertEqual(tally.attempts["ecs:UpdateService"], tally.throttled["ecs:UpdateService"] + answers.count(True))
        self.assertLessEqual(tally.attempts["ecs:UpdateService"], 3 * 500)
        # All of it is over within the back-offs: the bucket gave its burst and a few of its five a second.
        self.assertTrue(50 <= answers.count(True) <= 56, answers.count(True))

    def test_one_process_has_only_so_many_retries(self):
        alone, _ = asked(500)
        together, _ = asked(500, process=Process())
        self.assertLess(together.attempts["ecs:UpdateService"], alone.attempts["ecs:UpdateService"])
        # 500 tokens pay for 100 retries; the 50 calls that succeed at once and the few later ones pay for a dozen more.
        self.assertLessEqual(together.attempts["ecs:UpdateService"] - 500, 112)

    def test_what_has_no_bucket_is_never_refused(self):
        tally, answers = asked(5_000, "dynamodb:PutItem")
        self.assertTrue(all(answers))
        self.assertFalse(tally.throttled)


class Ticks(unittest.TestCase):
    def test_every_service_has_its_minute_whatever_its_system(self):
        for sizes in (ticks.one_system(101), ticks.like_the_examples(101), [1] * 101):
            turns = ticks.shares(sizes, FACTS.sweep_minutes)
            self.assertEqual(sorted(service for turn in turns for service in turn), list(range(101)))

    def test_small_systems_all_have_the_same_minute(self):
        self.assertEqual([len(turn) for turn in ticks.shares([1] * 100, 5)], [100, 0, 0, 0, 0])
        self.assertEqual([len(turn) for turn in ticks.shares([100], 5)], [20] * 5)

    def test_a_small_estate_is_swept_whole(self):
        run = ticks.run(TOLD, FACTS, ticks.one_system(50), minutes=15)
        self.assertEqual((run.seen_share, run.timeouts_an_hour, run.unread_share), (1.0, 0.0, 0.0))

    def test_more_services_take_longer_and_a_slower_aws_too(self):
        runs = [ticks.run(TOLD, FACTS, ticks.one_system(size), minutes=5).longest_s for size in (10, 100, 400)]
        self.assertEqual(runs, sorted(runs))
        slow = ticks.run(TOLD, FACTS, ticks.one_system(100), slowness=4, minutes=5).longest_s
        self.assertGreater(slow, runs[1])

    def test_what_is_cut_off_is_tried_twice_more_and_then_given_up(self):
        run = ticks.run(TOLD, FACTS, ticks.one_system(400), slowness=10, minutes=15)
        self.assertGreater(run.given_up_an_hour, 0)
        self.assertLess(run.seen_share, 1)
        never = dataclasses.replace(FACTS, retry_maximum=0)
        once = ticks.run(TOLD, never, ticks.one_system(400), slowness=10, minutes=15)
        self.assertLess(once.timeouts_an_hour, run.timeouts_an_hour)

    def test_reading_together_makes_fewer_calls_for_the_same_looks(self):
        as_it_is = ticks.run(TOLD, FACTS, ticks.like_the_examples(300), minutes=10)
        together = ticks.run(TOLD, FACTS, ticks.like_the_examples(300), way=ticks.READ_TOGETHER, minutes=10)
        self.assertLess(together.longest_s, as_it_is.longest_s / 4)
        self.assertEqual(together.seen_share, 1.0)


class Storms(unittest.TestCase):
    def test_everybody_is_served_once_and_never_faster_than_ecs_allows(self):
        least = TOLD.buckets["ecs:service-modify"].least_seconds(400)
        for way in storms.WAYS:
            run = storms.run(TOLD, FACTS, 400, 1.0, way)
            self.assertEqual(run.unserved, 0, way.title)
            self.assertGreaterEqual(run.all_served_s, least, way.title)
            self.assertGreaterEqual(run.looks, run.alarmed if way.batch > 1 else 2 * run.alarmed, way.title)

    def test_the_same_seed_gives_the_same_run_and_another_another(self):
        first, again = (storms.run(TOLD, FACTS, 200, 1.0, seed=3) for _ in range(2))
        self.assertEqual(first, again)
        self.assertNotEqual(first, storms.run(TOLD, FACTS, 200, 1.0, seed=4))

    def test_a_queue_keeps_to_its_limit(self):
        run = storms.run(TOLD, FACTS, 400, 1.0, storms.QUEUED)
        self.assertLessEqual(run.most_running, storms.QUEUED.at_once)
        self.assertGreater(run.most_waiting, 0)

    def test_paced_fewer_calls_are_refused(self):
        as_it_is, paced = (storms.run(TOLD, FACTS, 600, 1.0, way) for way in (storms.AS_IT_IS, storms.BATCHED))
        self.assertLess(paced.share_failed, as_it_is.share_failed)
        self.assertLess(paced.calls, as_it_is.calls)


class Waves(unittest.TestCase):
    def test_all_releases_begin_and_never_faster_than_one_a_second(self):
        run = waves.release_wave(TOLD, FACTS, 150)
        self.assertEqual(run.unbegun, 0)
        self.assertGreaterEqual(run.all_begun_s, TOLD.buckets["ecs:definition-modify"].least_seconds(150))

    def test_a_secret_of_few_services_is_read_at_once(self):
        run = waves.rotated_secret(TOLD, FACTS, 10)
        self.assertEqual((run.unread_share, run.tries, run.ends_in_failure, run.by_rotate_unread_share), (0.0, 1, False, 0.0))

    def test_of_many_services_some_stay_unread_and_the_event_is_given_up(self):
        run = waves.rotated_secret(TOLD, FACTS, 200)
        self.assertTrue(run.ends_in_failure)
        self.assertEqual(run.by_rotate_unread_share, 0.0)


if __name__ == "__main__":
    unittest.main()
