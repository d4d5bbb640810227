// SPDX-License-Identifier: GPL-2.0-or-later
// See receipt.hpp.
#include "agents/ocf/mysql/receipt.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <istream>

#include "common/base/text.hpp"

namespace systole::mysql {

namespace {

constexpr std::string_view headline_mark = "In short: ";

std::string tables_of(const TailTransaction& transaction) {
  std::vector<std::string> names;
  for (const auto& [schema, table] : transaction.tables) names.push_back(fmt::format("{}.{}", schema, table));
  return names.empty() ? "no table" : join(names, ", ");
}

std::string plural(std::uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

RowCount total(const RowCounts& counts) {
  RowCount all;
  for (const auto& [table, count] : counts) {
    all.inserted += count.inserted;
    all.updated += count.updated;
    all.deleted += count.deleted;
  }
  return all;
}

std::string changes(const RowCount& count) {
  return fmt::format("{} inserted, {} updated, {} deleted", plural(count.inserted, "row"), count.updated,
                     count.deleted);
}

std::string_view words_of(Fate fate) {
  switch (fate) {
    case Fate::undone:
      return "taken out";
    case Fate::replaced:
      return "given up with the database, which a copy replaces";
    case Fate::dropped:
      return "received, never applied and given up";
  }
  return "";
}

}  // namespace

RowCounts count_rows(std::istream& readable_tail) {
  RowCounts counts;
  static constexpr std::array<std::pair<std::string_view, std::uint64_t RowCount::*>, 3> kinds{
      {{"### INSERT INTO ", &RowCount::inserted},
       {"### UPDATE ", &RowCount::updated},
       {"### DELETE FROM ", &RowCount::deleted}}};
  std::string line;
  while (std::getline(readable_tail, line))
    for (const auto& [begin, field] : kinds)
      if (line.starts_with(begin)) counts[line.substr(begin.size())].*field += 1;
  return counts;
}

std::string to_text(const Receipt& receipt) {
  std::string text = fmt::format(
      "{}{} of database {} on {} {}: the primary {} does not have {}\n"
      "          {}\n{}\n"
      "when      {}\nresource  {}\nnode      {}\nprimary   {}\ncommon    {}\n\n",
      headline_mark, plural(receipt.transactions.size(), "transaction"), receipt.resource, receipt.node,
      words_of(receipt.fate), receipt.primary, receipt.transactions.size() == 1 ? "it" : "them",
      receipt.rows.empty() ? "no row is known to be changed" : changes(total(receipt.rows)),
      receipt.why.empty() ? "" : fmt::format("          It could not be undone: {}\n", receipt.why), receipt.when,
      receipt.resource, receipt.node, receipt.primary, receipt.base.empty() ? "nothing" : to_string(receipt.base));
  text += "Tables\n";
  for (const auto& [table, count] : receipt.rows) text += fmt::format("  {}  {}\n", table, changes(count));
  text += "\nTransactions, in their order (a client's thread is known where the log tells it)\n";
  for (const TailTransaction& each : receipt.transactions) {
    text += fmt::format("  {}  {}  thread {}  {}\n", to_string(each.gtid), utc(each.time_s),
                        each.thread == 0 ? "unknown" : std::to_string(each.thread), tables_of(each));
    for (const std::string& sql : each.sql) text += fmt::format("      {}\n", sql);
  }
  if (receipt.rows.empty())
    text += "\ntail.sql could not be made, or shows no row: mariadb-binlog -vv tail.binlog shows what there is\n";
  text +=
      "\nEach row is in tail.sql to read. Whoever wants all of these changes again, and has looked whether they still "
      "fit, runs on the primary:\n"
      "  mariadb-binlog tail.binlog | grep -vE '@@session.(gtid_seq_no|server_id)=' | mariadb\n";
  return text;
}

std::string receipt_headline(std::string_view text) {
  const std::string first = split(text, '\n').front();
  return first.starts_with(headline_mark) ? first.substr(headline_mark.size()) : std::string{};
}

std::string utc(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  std::array<char, 32> text{};
  ::gmtime_r(&time, &parts);
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace systole::mysql
