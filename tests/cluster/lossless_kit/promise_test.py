#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The judge of the lossless scenarios, held to examples: each kind of fault must be found, and no other."""
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True  # the source tree stays clean
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "kit")]
import catalogue
import page
import promise
from idle_clients import token

SOUND = {"lost": 0, "duplicated": 0, "extra": 0, "altered": 0}


def result(**more):
    base = {"scenario": "drain", "column": "crmd witness", "begun": True, "promised": promise.KEPT, "acknowledged": 900,
            "nodes": {"n1": SOUND, "n2": SOUND}, "stale": 0, "served": None, "redundant_s": 4.0, "gap_ms": 900,
            "gap_limit_ms": 0, "stays": False, "moved": "", "says": False, "alone": 0, "said": False, "failed": "",
            "end": "n2", "notes": []}
    return base | more


class Judge(unittest.TestCase):
    def breaks(self, words, **more):
        found = promise.broken(result(**more))
        self.assertEqual(len(found), 1, found)
        self.assertIn(words, found[0])
        self.assertEqual(promise.verdict(result(**more)), "BROKEN")
        return found

    def test_a_sound_result_breaks_nothing(self):
        self.assertEqual(promise.broken(result()), [])
        self.assertEqual(promise.verdict(result()), "kept")
        self.assertTrue(promise.clean(result()))

    def test_each_kind_of_wrong_row_breaks_the_promise_and_is_named_with_its_node(self):
        for kind in promise.WRONGS:
            self.breaks(f"3 {kind} on n2", nodes={"n1": SOUND, "n2": SOUND | {kind: 3}})

    def test_a_database_that_cannot_be_asked_is_no_sound_one(self):
        self.breaks("n1's database", nodes={"n1": None, "n2": SOUND})
        self.assertFalse(promise.clean(result(nodes={"n1": None, "n2": SOUND})))

    def test_what_was_lost_while_it_served_counts_even_when_it_came_back_later(self):
        self.breaks("served while 7", stale=7)

    def test_a_refusal_is_allowed_where_it_was_said_and_only_there(self):
        self.assertEqual(promise.broken(result(served=False, promised=promise.REFUSE)), [])
        self.assertEqual(promise.verdict(result(served=False, promised=promise.REFUSE)), "refused, kept")
        self.breaks("nobody served", served=False)

    def test_a_refusal_does_not_excuse_lost_rows(self):
        self.breaks("1 lost on n1", served=False, promised=promise.REFUSE,
                    nodes={"n1": SOUND | {"lost": 1}, "n2": SOUND})

    def test_redundancy_that_does_not_come_back_breaks_the_promise(self):
        self.breaks("redundancy", redundant_s=None)

    def test_a_gap_beyond_its_limit_breaks_the_promise(self):
        self.breaks("promised are 800", gap_limit_ms=800)
        self.assertEqual(promise.broken(result(gap_limit_ms=900)), [])

    def test_a_server_that_was_moved_or_restarted_breaks_a_promise_to_stay(self):
        self.breaks("nothing was to move", stays=True, moved="n1's server was restarted")
        self.assertEqual(promise.broken(result(moved="n1's server was restarted")), [])

    def test_a_write_acknowledged_alone_must_be_spoken_of(self):
        self.breaks("nobody said so", says=True, alone=1)
        self.assertEqual(promise.broken(result(says=True, alone=1, said=True)), [])
        self.assertEqual(promise.broken(result(says=True, alone=0)), [])

    def test_a_trial_without_writes_or_without_an_end_proves_nothing(self):
        self.breaks("no write was acknowledged", acknowledged=0)
        self.breaks("broke off", failed="a node did not boot")
        self.assertEqual(promise.broken(result(begun=False)), ["the cluster could not be brought up for it"])

    def test_where_nothing_is_promised_losses_are_counted(self):
        lossy = result(promised=promise.COUNTED, nodes={"n1": SOUND, "n2": SOUND | {"lost": 1200}})
        self.assertEqual(promise.broken(lossy), [])
        self.assertEqual(promise.verdict(lossy), "lost 1,200")
        self.assertEqual(promise.verdict(result(promised=promise.COUNTED)), "nothing lost")

    def test_what_a_replica_does_not_follow_any_more_is_no_loss_but_no_redundancy_either(self):
        nodes = {"n1": SOUND | {"lost": 500}, "n2": SOUND | {"lost": 3}}
        cost = dict(promised=promise.COUNTED, nodes=nodes, redundant_s=None)
        self.assertEqual(promise.verdict(result(**cost)), "lost 3, no redundancy")
        self.assertEqual(promise.verdict(result(**cost, end="nobody")), "lost 3, no redundancy")
        self.assertEqual(promise.verdict(result(**cost, stale=9)), "lost 9, no redundancy")

    def test_what_a_scenario_forbids_is_broken_though_nothing_was_lost(self):
        self.breaks("n3 was promoted", served=False, promised=promise.REFUSE, wrong=["n3 was promoted"])


class Catalogue(unittest.TestCase):
    def test_every_scenario_has_a_name_of_its_own_and_a_promise_in_every_durability(self):
        names = [s.name for s in catalogue.ALL]
        self.assertEqual(len(set(names)), len(names))
        for scenario in catalogue.ALL:
            for durability in promise.DURABILITIES:
                self.assertIn(scenario.promise.of(durability), (promise.KEPT, promise.REFUSE, promise.COUNTED))

    def test_lossless_never_merely_counts_and_no_durability_promises_more_than_it(self):
        rank = {promise.COUNTED: 0, promise.REFUSE: 1, promise.KEPT: 2}
        for scenario in catalogue.ALL:
            self.assertNotEqual(scenario.promise.lossless, promise.COUNTED, scenario.name)
            if scenario.promise.crash_safe == promise.COUNTED:
                self.assertEqual(scenario.promise.available, promise.COUNTED, scenario.name)
            self.assertGreaterEqual(rank[scenario.promise.crash_safe], rank[scenario.promise.available], scenario.name)

    def test_names_that_do_not_exist_are_no_empty_choice(self):
        with self.assertRaises(KeyError):
            catalogue.chosen(["kill-server", "kil-server"])
        self.assertEqual([s.name for s in catalogue.chosen(["power-primary", "kill-server"])],
                         ["kill-server", "power-primary"])

    def test_a_scenario_is_chosen_only_with_the_number_of_databases_that_it_was_made_for(self):
        for scenario in catalogue.ALL:
            for count in (2, 3):
                self.assertEqual(scenario in catalogue.chosen([], count), count in scenario.databases, scenario.name)
        with self.assertRaises(KeyError):
            catalogue.chosen(["third-waits"])
        with self.assertRaises(KeyError):
            catalogue.chosen(["disk-full"], 3)


class Page(unittest.TestCase):
    def test_the_page_names_losses_and_broken_promises(self):
        lossy = result(nodes={"n1": SOUND, "n2": SOUND | {"lost": 1234}}, version="v", date="d", durability="lossless")
        text = page.markdown([lossy], ["the machine was busy"])
        self.assertIn("* the machine was busy", text)
        self.assertIn("1,234", text)
        self.assertIn("BROKEN", text)

    def test_three_databases_have_a_column_each_and_two_have_no_third(self):
        three = result(nodes={"n1": SOUND, "n2": SOUND, "n3": SOUND | {"lost": 77}})
        self.assertIn("77/0/0/0", page.table([three, result(begun=False, nodes={})]))
        self.assertNotIn("n3", page.table([result()]))

    def test_a_skipped_scenario_has_its_reason(self):
        self.assertIn("no witness", page.line({"scenario": "x", "skipped": "no witness"}))


class Client(unittest.TestCase):
    def test_the_answer_to_a_servers_challenge_is_bound_to_challenge_and_password(self):
        self.assertEqual(token(b"", b"x" * 20), b"")
        answers = {token(b"app", b"x" * 20), token(b"app", b"y" * 20), token(b"apq", b"x" * 20)}
        self.assertEqual((len(answers), {len(a) for a in answers}), (3, {20}))


if __name__ == "__main__":
    unittest.main()
