#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each house rule is shown to fail on what breaks it, and to be quiet on what does not."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tidy

HEAD = "// SPDX-License-Identifier: GPL-2.0-or-later\n// What this is for.\n"
TABLE = {
    "common/base": ([], []), "common/wire": ([], []), "cib/model": ([], []), "crmd/scheduler": (["cib/model"], []),
    "crmd/io": (["common/wire"], ["asio"]), "crmd/main": (["all"], ["asio"]), "tests": (["all"], ["any"]),
}


def findings(body, name="crmd/scheduler/a.cpp", head=HEAD):
    return list(tidy.check_source(name, head + body, TABLE))


class Rules(unittest.TestCase):
    def breaks(self, words, body, **more):
        found = findings(body, **more)
        self.assertEqual(len(found), 1, found)
        self.assertIn(words, found[0])

    def holds(self, body, **more):
        self.assertEqual(findings(body, **more), [])

    def test_a_line_over_120_columns(self):
        self.breaks("121 columns", "// " + "x" * 118 + "\n")
        self.holds("// " + "x" * 117 + "\n")
        self.holds("// " + "é" * 117 + "\n")  # columns, not bytes

    def test_a_function_over_70_lines(self):
        long = "int f(int a) {\n" + "  ++a;\n" * 69 + "}\n"
        self.breaks("a function of 71 lines", "namespace n {\n" + long + "}\n")
        self.breaks("a function of 71 lines", "struct S {\n" + long + "};\n")
        self.holds("namespace n {\n" + "int f() {\n" + "  ++a;\n" * 68 + "}\n" * 2)
        self.holds("namespace n {\n" + "int f();\n" * 200 + "}\n")

    def test_braces_in_strings_and_comments_do_not_count(self):
        self.holds('int f() { return g("{", \'{\', R"x({{{)x"); }  // {\n/* { */\n' + "int a;\n" * 80)

    def test_a_file_over_600_lines(self):
        self.breaks("at most 600", "int a;\n" * 600)

    def test_an_include_against_the_table(self):
        self.holds('#include "cib/model/status.hpp"\n#include "common/base/ids.hpp"\n#include "crmd/scheduler/b.hpp"\n')
        self.breaks("crmd/scheduler may not use common/wire", '#include "common/wire/packet.hpp"\n')
        self.breaks("crmd/scheduler may not use crmd/io", '#include "crmd/io/socket.hpp"\n')
        self.breaks("from the source root", '#include "status.hpp"\n')
        self.holds('#include "crmd/io/socket.hpp"\n', name="crmd/main/main.cpp")
        self.breaks("nothing includes tests", '#include "tests/fakes/net.hpp"\n', name="crmd/main/main.cpp")
        self.breaks("has no row", "int a;\n", name="extra/a.cpp")

    def test_a_library_against_the_table(self):
        self.breaks("may not use asio", "#include <boost/asio.hpp>\n")
        self.breaks("may not use libxml2", "#include <libxml/tree.h>\n")
        self.breaks("may not use libmariadb", "#include <mysql.h>\n")
        self.holds("#include <boost/asio.hpp>\n", name="crmd/io/a.cpp")
        self.holds("#include <fmt/core.h>\n#include <boost/system/result.hpp>\n#include <vector>\n")

    def test_clocks_sleep_dice_and_shells_outside_the_shell(self):
        for call in ("sleep(1);", "std::this_thread::sleep_for(d);", 'system("x");', "Clock::now();", "time(nullptr);",
                     "clock_gettime(0, &t);", "std::random_device d;", "int x = rand();"):
            with self.subTest(call):
                self.assertEqual(len(findings(f"void f() {{ {call} }}\n")), 1)
                self.holds(f"void f() {{ {call} }}\n", name="crmd/io/a.cpp")
        self.holds("void f(Now now) { boost::system::result<int> r; g(now); }  // sleep(1)\n")

    def test_await_beside_a_brace(self):
        self.breaks("name the value first", "void f() {\n  co_await perform(Send{1});\n}\n", name="crmd/io/a.cpp")
        self.breaks("name the value first", "void f() {\n  x = co_await g(\n      {1, 2});\n}\n", name="crmd/io/a.cpp")
        self.holds("void f() {\n  co_await perform(send);\n  g({1});\n}\n", name="crmd/io/a.cpp")
        self.holds("void f() {\n  if (co_await g(a)) {\n    h();\n  }\n}\n", name="crmd/io/a.cpp")

    def test_default_in_a_switch_over_our_enums(self):
        self.breaks("name every case",
                    "int f() {\n  switch (a) {\n    case A::b: return 1;\n    default: return 2;\n  }\n}\n")
        self.holds("int f() {\n  switch (a) {\n    case codes::b: return 1;\n    default: return 2;\n  }\n}\n")
        self.holds("int f() {\n  switch (a) {\n    case 'x': return 1;\n    default: return 2;\n  }\n}\n")
        self.holds("int f() {\n  switch (a) {\n    case A::b:\n      switch (c) {\n        case 1: return 1;\n"
                   "        default: return 2;\n      }\n    case A::c: return 2;\n  }\n}\n")

    def test_a_source_without_its_head(self):
        self.breaks("SPDX", "int a;\n", head="")
        self.breaks("no words", "int a;\n", head="// SPDX-License-Identifier: GPL-2.0-or-later\n")
        self.breaks("#pragma once", "int a;\n", name="cib/model/a.hpp")
        self.holds("#pragma once\nint a;\n", name="cib/model/a.hpp")

    def test_a_skip_without_a_reason(self):
        self.breaks("without a reason", "TEST(A, b) {\n  GTEST_SKIP();\n}\n", name="tests/unit/a.cpp")
        self.holds('TEST(A, b) {\n  GTEST_SKIP() << "needs root";\n}\n', name="tests/unit/a.cpp")

    def test_unfinished_work(self):
        self.breaks("unfinished", "// TO" + "DO later\n")


class Tree(unittest.TestCase):
    def test_the_table_is_read_from_the_document(self):
        table = tidy.architecture(pathlib.Path(__file__).resolve().parents[2])
        self.assertEqual(table["crmd/scheduler"][0], ["cib/model"])
        self.assertEqual(table["crmd/main"][0], ["all"])
        self.assertIn("libxml2", table["cib/xml"][1])

    def test_a_tree_with_a_breach_is_found_and_one_without_a_table_too(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "docs").mkdir()
            table = "| folder | holds | may include | libraries |\n| `cib/model` | x | | |\n"
            (root / "docs/ARCHITECTURE.md").write_text(table)
            (root / "cib/model").mkdir(parents=True)
            (root / "cib/model/a.cpp").write_text(HEAD + "#include <libxml/tree.h>\n")
            (root / "tool").write_text("#!/usr/bin/python3\nprint()\n")
            self.assertEqual([f.split(":")[0] for f in tidy.check_tree(root)], ["tool", "cib/model/a.cpp"])
            (root / "docs/ARCHITECTURE.md").write_text("nothing\n")
            self.assertIn("table of folders", next(iter(tidy.check_tree(root))))


if __name__ == "__main__":
    unittest.main()
