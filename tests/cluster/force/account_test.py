#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The account of owners is what every guarantee is judged by, so it is itself held to examples."""
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "kit")]
import account
import report
import scenarios


def mac(number):
    return f"02:00:0a:4d:00:{number:02x}"


def lines(*events):
    return [f"{ms * 1000000} {','.join(mac(n) for n in nodes) or '-'}" for ms, *nodes in events]


class Account(unittest.TestCase):
    def test_a_take_over_is_one_gap_and_no_doubled_time(self):
        found = account.changes(lines((0, 1), (1000,), (2100, 2)))
        self.assertEqual(account.measure(found, 0.5, 4),
                         {"two_owners_ms": 0, "two_owners_longest_ms": 0, "gap_ms": 1100})

    def test_doubled_times_are_added_up_and_the_longest_is_named(self):
        found = account.changes(lines((0, 1), (1000, 1, 2), (1030, 2), (2000, 1, 2), (2500, 2)))
        measured = account.measure(found, 0.5, 4)
        self.assertEqual((measured["two_owners_ms"], measured["two_owners_longest_ms"]), (530, 500))

    def test_what_lies_outside_of_the_window_does_not_count(self):
        found = account.changes(lines((0, 1, 2), (1000, 1), (3000, 1, 2)))
        self.assertEqual(account.measure(found, 1.5, 2.5)["two_owners_ms"], 0)
        self.assertEqual(account.measure(found, 0.5, 3.25)["two_owners_ms"], 750)

    def test_a_stretch_that_has_not_ended_counts_up_to_the_end(self):
        self.assertEqual(account.measure(account.changes(lines((0,))), 0.5, 3)["gap_ms"], 2500)

    def test_the_last_line_of_the_watch_and_half_a_line_are_no_events(self):
        self.assertEqual(account.changes(["asked=3 two_owners=0", "12345", ""]), [])

    def test_a_node_owns_when_it_answers_alone_and_long_enough(self):
        found = account.changes(lines((0, 1), (1000, 1, 2), (1500, 2), (2000,), (2010, 2)))
        self.assertEqual(account.owner_for(found, 0.9, 0.5), "n1")
        self.assertIsNone(account.owner_for(found, 1.4, 0.3))
        self.assertIsNone(account.owner_for(found, 1.6, 0.3))
        self.assertEqual(account.owner_for(found, 4, 2.3), "n2")
        self.assertIsNone(account.owner_for(found, 1, 5))

    def test_owners_are_named_in_words(self):
        words = [account.words_for(o) for o in ((), ("n1",), ("n1", "n2"))]
        self.assertEqual(words, ["nobody", "n1", "two: n1 and n2"])


def result(**more):
    base = {"driver": "systole", "mode": "witness", "scenario": "cut", "expected": "never two", "two_owners_ms": 0,
            "two_owners_longest_ms": 0, "gap_ms": 10, "end": "n1", "settled": True, "begun": True}
    return base | more


class Verdict(unittest.TestCase):
    def test_two_owners_break_a_promise_and_are_none_where_none_was_made(self):
        self.assertEqual(report.broken(result()), [])
        self.assertEqual(len(report.broken(result(two_owners_ms=10))), 1)
        self.assertEqual(report.broken(result(two_owners_ms=10, expected="possible")), [])

    def test_a_cluster_that_does_not_recover_breaks_its_promise_and_a_peer_never_does(self):
        self.assertEqual(len(report.broken(result(settled=False, expected="possible"))), 1)
        self.assertEqual(report.broken(result(settled=False, two_owners_ms=9, expected="measured")), [])

    def test_a_gap_beyond_its_limit_breaks_the_promise(self):
        self.assertEqual(len(report.broken(result(gap_limit_ms=1050, gap_ms=1200))), 1)

    def test_every_scenario_has_a_name_of_its_own_and_an_expectation_in_every_mode(self):
        names = [s.name for s in scenarios.ALL]
        self.assertEqual(len(set(names)), len(names))
        for mode in ("none", "majority", "witness", "ping"):
            for guarded in (False, True):
                for scenario in scenarios.ALL:
                    self.assertIn(scenarios.expectation("systole", mode, scenario.name, guarded),
                                  ("never two", "possible"))


if __name__ == "__main__":
    unittest.main()
