"""The figures that the model stands on, the bill, the limits, and the page."""

import dataclasses
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

import assumptions
import calls
import cells
import costs
import fleets
import limits
import page
import product
import scale

TOLD, FACTS = assumptions.read(), product.read()
NIGHTSHIFT = product.ROOT / "target" / "debug" / "nightshift"


class TheProduct(unittest.TestCase):
    @unittest.skipUnless(NIGHTSHIFT.exists(), "needs the built command line")
    def test_alarms_are_counted_as_the_command_line_derives_them(self):
        listed = subprocess.run([NIGHTSHIFT, "alarms", "list", "--json", "systems"], cwd=product.ROOT, capture_output=True, check=True)
        by_system = {system["system"]: len(system["alarms"]) for system in json.loads(listed.stdout)}
        self.assertEqual(sum(by_system.values()), FACTS.fleet.alarms)

    @unittest.skipUnless(NIGHTSHIFT.exists(), "needs the built command line")
    def test_generated_fleet_files_are_accepted(self):
        with tempfile.TemporaryDirectory() as folder:
            for number, text in enumerate(fleets.fleet_files(25)):
                (Path(folder) / f"s{number}.yaml").write_text(text, encoding="utf-8")
            checked = subprocess.run([NIGHTSHIFT, "check", folder], capture_output=True, text=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertIn("25 services, no mistakes", checked.stdout)

    def test_a_fact_that_has_moved_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "systems" / "a"
            place.mkdir(parents=True)
            (place / "fleet.yaml").write_text("version: 1\n", encoding="utf-8")
            with self.assertRaises(product.Moved):
                product.fleet(Path(folder))

    def test_the_calls_of_a_look_are_those_of_the_code(self):
        observe = (product.ROOT / "functions/scale/src/observe.rs").read_text(encoding="utf-8")
        for read in ("alarms(estate", "metrics(estate", "target(estate", "other_scaler(estate", "ledger().read("):
            self.assertIn(read, observe)
        self.assertTrue(FACTS.calls_are_served_in_turn, "ticks.py looks at services one after the other")
        self.assertEqual(FACTS.readers_side_by_side, 1, "waves.py reads the readers of a system one after the other")
        policy = (product.ROOT / "shared/core/src/scale/policy.rs").read_text(encoding="utf-8")
        self.assertIn("EVENT_FRESH: SignedDuration = SignedDuration::from_mins(2)", policy)

    def test_every_call_has_an_assumed_answer_and_every_bucket_is_known(self):
        looks = [calls.SCALE_STEP, calls.SCALE_NOTE, calls.SCALE_UNREAD, calls.DEPLOY_QUIET, calls.DEPLOY_START, calls.READS_SECRET]
        for api in {api for look in looks for api in calls.count(look)}:
            self.assertIn(api, TOLD.latency_s)
        for bucket in calls.BUCKETS.values():
            self.assertIn(bucket, TOLD.buckets)


class TheBill(unittest.TestCase):
    def test_every_line_has_a_price_and_is_no_less_than_nought(self):
        for line in costs.bill(TOLD, FACTS, 100):
            self.assertIn(line.price, TOLD.prices)
            self.assertGreater(line.quantity, 0)
            self.assertLessEqual(0, line.usd_less_free)
            self.assertLessEqual(line.usd_less_free, line.usd)

    def test_two_alarms_of_a_service_and_those_of_the_stack(self):
        alarms = next(line for line in costs.bill(TOLD, FACTS, FACTS.fleet.services) if line.price == "alarm")
        self.assertAlmostEqual(alarms.quantity, FACTS.fleet.alarms + FACTS.stack_alarms)
        self.assertAlmostEqual(alarms.usd, 0.10 * (FACTS.fleet.alarms + FACTS.stack_alarms))

    def test_a_tick_each_minute_and_a_look_in_five(self):
        used = costs.usage(dataclasses.replace(TOLD, activity=TOLD.activity | {"alarm_cycles_a_day": 0}), FACTS, 100)
        self.assertEqual(used.scale_invocations, 730 * 60)
        self.assertEqual(used.scale_looks, 100 * 730 * 12)

    def test_metrics_are_paid_for_the_hours_in_which_they_are_sent(self):
        always = TOLD.activity | {"scale_hours_a_day": 24, "releases_a_month": 365, "deploy_hours_a_release": 2}
        most = costs.metric_months(dataclasses.replace(TOLD, activity=always), FACTS, 1)
        own = sum(FACTS.metrics_of_a_function.values())
        self.assertEqual(FACTS.metrics_of_a_function, {"scale": 6, "deploy": 11, "rotate": 5})
        self.assertEqual(most - own, TOLD.activity["scale_metrics_an_hour"] + TOLD.activity["deploy_metrics_an_hour"])

    def test_more_services_cost_more_and_each_of_them_less(self):
        amounts = [costs.total(costs.bill(TOLD, FACTS, size)) for size in (5, 100, 1_000)]
        self.assertEqual(amounts, sorted(amounts))
        self.assertGreater(amounts[0] / 5, amounts[1] / 100)
        self.assertGreater(amounts[1] / 100, amounts[2] / 1_000)


class Limits(unittest.TestCase):
    def test_a_bound_limit_is_met_where_its_bucket_is_empty(self):
        by_what = {one.what: one for one in limits.met(TOLD, FACTS)}
        self.assertEqual(by_what["UpdateService"].services, 50 + 5 * 60)
        self.assertEqual(by_what["RegisterTaskDefinition"].services, 20 + 60)

    def test_estates_have_the_services_that_they_say(self):
        self.assertEqual(cells.ESTATES[2].services, 100_000)
        self.assertEqual(cells.ESTATES[2].accounts, 1_000)
        self.assertEqual(cells.Accounts(10, 3_000).stacks, 12)

    def test_no_stack_is_planned_beyond_what_a_tick_gets_through(self):
        in_time = FACTS.timeout_s["scale"] / limits.quiet_look_s(TOLD) * FACTS.sweep_minutes
        self.assertLess(cells.MOST_SERVICES_A_STACK, in_time / 1.5)


class ThePage(unittest.TestCase):
    TEXT = "before\n<!-- scale:costs -->\nold\n<!-- /scale:costs -->\nafter\n"

    def test_only_what_stands_between_the_markers_is_written(self):
        self.assertEqual(page.filled(self.TEXT, {"costs": "| new |"}), self.TEXT.replace("old", "| new |"))

    def test_written_twice_it_is_the_same(self):
        once = page.filled(self.TEXT, {"costs": "| new |"})
        self.assertEqual(page.filled(once, {"costs": "| new |"}), once)

    def test_a_table_without_a_place_is_told(self):
        with self.assertRaises(page.NoSuchPlace):
            page.filled(self.TEXT, {"limits": "| new |"})

    def test_the_page_has_a_place_for_every_table_and_no_other(self):
        there = set(page.places(page.PAGE.read_text(encoding="utf-8")))
        self.assertEqual(there, set(scale.TABLES) | {"made", "cold_starts"})


if __name__ == "__main__":
    unittest.main()
