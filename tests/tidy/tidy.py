#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The house rules as a test. usage: tidy.py [SOURCE_ROOT]   exit 0: clean; 1: findings, one per line: file:line: what

It reads text, not C++: it approximates, and each rule is shown to fail by tidy_test.py. Who may include whom stands in
docs/ARCHITECTURE.md, whose table is read here, so that the words and the rule cannot drift apart."""
import os
import pathlib
import re
import sys

LINE_MAX, FUNCTION_MAX, FILE_MAX = 120, 70, 600
SHELL = ("crmd/io", "crmd/main", "crmd/guardian_process", "common/log", "common/config", "agents", "tools", "tests")
LIBRARIES = {  # first part of an <include> → the name that the table uses
    "boost/asio": "asio", "boost/beast": "beast", "boost/process": "process", "libxml": "libxml2",
    "sodium": "libsodium",
    "mysql": "libmariadb", "mariadb": "libmariadb", "openssl": "openssl", "libmnl": "libmnl", "CLI": "cli11",
    "gtest": "gtest", "gmock": "gtest", "systemd": "libsystemd",
}
IMPURE = [
    (re.compile(r"\b(?:sleep|usleep|nanosleep|sleep_for|sleep_until)\s*\("), "sleeps"),
    (re.compile(r"\bsystem\s*\("), "starts a shell"),
    (re.compile(r"\b(?:now\s*\(\s*\)|gettimeofday\s*\(|clock_gettime\s*\(|time\s*\(\s*(?:nullptr|NULL|0)\s*\))"),
     "reads a clock"),
    (re.compile(r"\b(?:random_device|rand|random|getrandom)\b\s*[({]|std::random_device"),
     "rolls dice that are not handed in"),
]



def architecture(root):
    """folder → (folders it may include, libraries), from the table of docs/ARCHITECTURE.md."""
    table = {}
    for line in (root / "docs/ARCHITECTURE.md").read_text().splitlines():
        cells = [c.strip() for c in line.split("|")]
        if len(cells) != 6 or not cells[1].startswith("`"):
            continue
        uses = ["all"] if cells[3] == "all" else re.findall(r"`([^`]+)`", cells[3])
        table[cells[1].strip("`")] = (uses, cells[4].split())
    return table


def folder_of(path, table):
    """The row of the table that a file belongs to: the longest folder name that begins its path."""
    rows = [row for row in table if path == row or path.startswith(row + "/")]
    return max(rows, key=len) if rows else None


def blank(text):
    """The same text, same lines, without what is in comments, strings, character literals and preprocessor lines."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|'
        r"(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'|^[ \t]*#(?:\\\n|[^\n])*",
        re.DOTALL | re.MULTILINE)

    def keep_lines(match):
        found = match.group(0)
        quote = '""' if found.startswith(('"', "R")) else ""
        return quote + "\n" * found.count("\n")

    return pattern.sub(keep_lines, text)


def scopes(text):
    """Yields (kind, header, first line, last line, body's position and end) of each {…}, innermost first."""
    stack, start, line, statement_line = [], 0, 1, 1
    parens = 0
    for at, char in enumerate(text):
        if char == "\n":
            line += 1
        elif char == "(":
            parens += 1
        elif char == ")":
            parens -= 1
        elif char == "{":
            header = text[start:at].strip()
            skipped = text[start:at][: len(text[start:at]) - len(text[start:at].lstrip())].count("\n")
            stack.append((kind_of(header, stack), header, statement_line + skipped, at, parens))
            start, statement_line, parens = at + 1, line, 0
        elif char == "}" and stack:
            kind, header, first, begin, parens = stack.pop()
            yield kind, header, first, line, begin, at
            start, statement_line = at + 1, line
        elif char == ";" and parens == 0:
            start, statement_line = at + 1, line


def kind_of(header, stack):
    outside = all(scope[0] in ("namespace", "type") for scope in stack)
    if re.match(r"(?:inline\s+)?namespace\b|extern\s*\"\"", header) and "(" not in header:
        return "namespace"
    if re.match(r"switch\b", re.sub(r"^(?:case [^:]+(?:::[^:]+)*:|default:)\s*", "", header)):
        return "switch"
    ends_as_function = re.search(r"\)\s*(?:const|noexcept|override|\s)*$", header)
    if outside and re.search(r"\b(?:class|struct|union|enum)\b", header) and not ends_as_function:
        return "type"
    if outside and "(" in header:
        return "function"
    return "other"


def check_lines(name, raw):
    for number, line in enumerate(raw.split("\n"), 1):
        # XML as it comes from others is not ours to fold.
        sample = name.startswith("tests/") and line.lstrip().startswith("<")
        if len(line) > LINE_MAX and not sample:
            yield f"{name}:{number}: {len(line)} columns; at most {LINE_MAX}"
        if re.search(r"\b(?:TODO|FIXME|XXX)\b", line) and not name.startswith("tests/tidy/"):
            yield f"{name}:{number}: unfinished work left in the source"
    if raw.count("\n") > FILE_MAX:
        yield f"{name}:1: {raw.count(chr(10))} lines; at most {FILE_MAX}: one file, one subject"


def check_head(name, raw):
    comment, lines = ("//", raw.split("\n")) if name.endswith((".cpp", ".hpp")) else ("#", raw.split("\n"))
    at = 1 if lines[0].startswith("#!") else 0
    if len(lines) <= at or lines[at] != f"{comment} SPDX-License-Identifier: GPL-2.0-or-later":
        yield f"{name}:{at + 1}: does not open with its SPDX line"
    elif comment == "//" and not lines[1].startswith("// "):
        yield f"{name}:2: no words on what this file is for"
    if name.endswith(".hpp") and "\n#pragma once\n" not in raw:
        yield f"{name}:1: a header without #pragma once"


def check_includes(name, raw, table):
    folder = folder_of(name, table)
    if folder is None:
        yield f"{name}:1: its folder has no row in docs/ARCHITECTURE.md"
        return
    uses, libraries = table[folder]
    for number, line in enumerate(raw.split("\n"), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
        if not match:
            continue
        target = folder_of(match.group(2), table)
        if match.group(1) == '"':
            if target is None:
                yield f"{name}:{number}: '{match.group(2)}': write it from the source root"
            elif target == "tests" and folder != "tests":
                yield f"{name}:{number}: nothing includes tests"
            elif target not in (folder, "common/base") and target not in uses and uses != ["all"]:
                yield f"{name}:{number}: {folder} may not use {target} (docs/ARCHITECTURE.md)"
            continue
        library = next((LIBRARIES[start] for start in LIBRARIES
                        if re.match(re.escape(start) + r"(?:[/._]|$)", match.group(2))), None)
        if library and library not in libraries and libraries != ["any"]:
            yield f"{name}:{number}: {folder} may not use {library} (docs/ARCHITECTURE.md)"


def check_purity(name, text):
    if name.startswith(SHELL):
        return
    for number, line in enumerate(text.split("\n"), 1):
        for pattern, what in IMPURE:
            if pattern.search(line):
                yield f"{name}:{number}: {what}; only {', '.join(SHELL)} may"


def check_await(name, text):
    """g++ 12 destroys a temporary aggregate twice when it stands beside co_await: name it first."""
    for match in re.finditer(r"\bco_await\b", text):
        statement = text[match.start():].split(";", 1)[0]
        statement = re.split(r"\)\s*\{\s*\n", statement)[0]  # the body of: if (co_await …) {
        if "{" in statement:
            line = text.count("\n", 0, match.start()) + 1
            yield f"{name}:{line}: co_await and '{{' in one statement: name the value first"


def check_scopes(name, text):
    for kind, header, first, last, begin, end in scopes(text):
        if kind == "function" and last - first + 1 > FUNCTION_MAX:
            title = re.sub(r"\s+", " ", header)[-60:]
            yield f"{name}:{first}: a function of {last - first + 1} lines ({title}); at most {FUNCTION_MAX}"
        if kind == "switch":
            body = own_text(text[begin + 1:end])
            cases = re.findall(r"\bcase\s+([\w:]+)", body)
            # Types are CamelCase here; a lower-case name before '::' is a namespace of plain numbers.
            ours = [c for c in cases if "::" in c and c.split("::")[-2][:1].isupper()]
            if ours and re.search(r"\bdefault\s*:", body):
                enum = ours[0].rsplit("::", 1)[0]
                yield f"{name}:{first}: 'default:' in a switch over {enum}: name every case"


def own_text(body):
    """The body without what nested switches hold."""
    while True:
        match = re.search(r"\bswitch\b[^{;]*\{", body)
        if not match:
            return body
        depth, at = 1, match.end()
        while depth and at < len(body):
            depth += {"{": 1, "}": -1}.get(body[at], 0)
            at += 1
        body = body[:match.start()] + body[at:]


def check_skips(name, text):
    for match in re.finditer(r"\bGTEST_SKIP\s*\(\s*\)\s*(<<)?", text):
        if not match.group(1):
            yield f"{name}:{text.count(chr(10), 0, match.start()) + 1}: GTEST_SKIP without a reason"


def check_source(name, raw, table):
    """All findings in one C++ file; name is its path from the source root."""
    text = blank(raw)
    yield from check_lines(name, raw)
    yield from check_head(name, raw)
    yield from check_includes(name, raw, table)
    yield from check_purity(name, text)
    yield from check_await(name, text)
    yield from check_scopes(name, text)
    yield from check_skips(name, text)


def sources(root):
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in ("build", ".git", "dist", "__pycache__"))
        for file in sorted(files):
            yield pathlib.Path(folder, file)


def is_python(path):
    if path.suffix == ".py":
        return True
    with open(path, "rb") as f:
        return not path.suffix and f.readline().startswith(b"#!/usr/bin/python3")


def check_tree(root):
    table = architecture(root)
    if not table:
        yield "docs/ARCHITECTURE.md:1: the table of folders is not there"
    for path in sources(root):
        name = str(path.relative_to(root))
        if path.suffix in (".cpp", ".hpp"):
            yield from check_source(name, path.read_text(), table)
        elif is_python(path):
            raw = path.read_text()
            yield from check_lines(name, raw)
            yield from check_head(name, raw)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
    findings = list(check_tree(root))
    print("\n".join(findings) or "tidy: the house rules hold")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
