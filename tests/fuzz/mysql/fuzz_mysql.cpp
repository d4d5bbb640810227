// SPDX-License-Identifier: GPL-2.0-or-later
// What the database's agent reads that others wrote: the passwords' file, the options that a server prints, parameters,
// and the memo on /run. A fault in the passwords' file is told without quoting the file.
#include <span>
#include <sstream>

#include "agents/ocf/mysql-replication/errors.hpp"
#include "agents/ocf/mysql-replication/memory.hpp"
#include "agents/ocf/mysql/cluster.hpp"
#include "agents/ocf/mysql/coordinates.hpp"
#include "agents/ocf/mysql/credentials.hpp"
#include "agents/ocf/mysql/dialect.hpp"
#include "agents/ocf/mysql/gtid_set.hpp"
#include "agents/ocf/mysql/options.hpp"
#include "agents/ocf/mysql/receipt.hpp"
#include "agents/ocf/mysql/relay_log.hpp"
#include "agents/ocf/mysql/tail.hpp"
#include "agents/ocf/mysql/undo_file.hpp"
#include "common/base/ensure.hpp"
#include "tests/fuzz/hammer.hpp"
#include "tests/unit/mysql/log_maker.hpp"

namespace {

using namespace systole;
using namespace systole::mysql;

const std::vector<std::string>& samples() {
  static const std::vector<std::string> all{
      "# ours\n[client]\npassword=QQQQ\n[systole-control]\nuser = root\npassword = \"QQ#QQ\\\"\\n\" # note\n"
      "[systole-replication]\nuser='r'\npassword=QQQQ\n",
      "[systole-control]\r\npassword=QQQQ\r\n;\n",
      "mariadbd would have been started with the following arguments:\n--socket=/run/s --init-connect=SET NAMES utf8 "
      "--loose_innodb=OFF --skip-log-bin --log_bin=0 --server-id=0 --port=3307\n",
      "`db`.`table`\n/var/lib/mysql\n/run/x.sock\nreadable",
      "readable=1\nlate=0\nchanged=123\nmarked=-1\nerrant=9-2-1\nnext_try=7\ntries=1\nreason=x\nfresh=1000\n",
      "Got fatal error 1236 from master: 'not in the master's binlog ... have been purged'",
      "score=100\nreadable=1\npublished=10.0.0.1\nsent=77\nprimary_host=n1\nprimary_port=3306\n",
  };
  return all;
}

void check_credentials(const std::string& text) {
  const auto found = parse_credentials(text);
  if (found) {
    for (const Credential& one : {found->control, found->replication}) {
      ensure(!one.user || !one.user->empty());
      ensure(!one.password || one.password->find('\0') == std::string::npos);
    }
    return;
  }
  ensure(found.error().code == Errc::invalid);
  ensure(found.error().what.find("QQ") == std::string::npos);
}

void check_options(const std::string& text) {
  const auto options = printed_options(text);
  for (const std::string& option : options) ensure(option.starts_with("--"));
  for (const char* const name : {"socket", "log-bin", "port", "innodb"}) {
    const auto value = option_value(options, name);
    ensure(!value || (!value->empty() && sets_option(options, name)));
    static_cast<void>(is_switched_off(options, name));
  }
  ensure(unsafe_options(options).size() <= 3);
}

void check_parameters(const std::string& text) {
  for (const char* const name : {"datadir", "socket", "test_table", "reader_attribute", "binary", "max_slave_lag"}) {
    const agents::Environment env{{std::string("OCF_RESKEY_") + name, text}};
    const agents::Values values(about_mysql(), env);
    for (const std::string& fault : value_faults(settings_from(values), values)) ensure(fault.size() < 300);
  }
}

const std::vector<std::string>& logs() {
  static const auto whole = [] {
    LogMaker log;
    log.before({{.domain = 0, .server = 7, .sequence = 1}});
    log.gtid(7, 2).event(160, 7, "INSERTsum!").table("d", "t").rows(24, 9, "\xff\1\xff\1").xid();
    log.gtid(7, 3, true).statement("DROP TABLE t").gtid(7, 4).statement("COMMIT");
    return log.text();
  }();
  static const std::vector<std::string> all{
      whole,
      "# at 4\nBINLOG '\nyDYMaxMBAAAALAAA\n'/*!*/;\nSTART TRANSACTION/*!*/;\nBINLOG '\nAAAA==\n'/*!*/;\nCOMMIT\n",
      "In short: 9 transactions\n\nwhen x\n"};
  return all;
}

void check_logs(const std::string& text) {
  const std::vector<LogFile> files{{.path = "log", .bytes = std::as_bytes(std::span(text))}};
  const GtidList primary{{.domain = 0, .server = 7, .sequence = 1}};
  if (const auto tail = scan_tail(files, primary)) {
    ensure(!tail->begin || tail->begin->offset < text.size());
    ensure(tail->begin.has_value() == !tail->transactions.empty());
  }
  if (const auto relay = scan_relay_log(files, primary)) ensure(!relay->resume || relay->resume->offset < text.size());
  std::istringstream undo(text);
  for (;;) {
    const auto statement = next_undo_statement(undo);
    if (!statement || !*statement) break;
    ensure((*statement)->starts_with("BINLOG '") && (*statement)->ends_with("'"));
  }
  ensure(receipt_headline(text).size() <= text.size());
}

/// A moment that is remembered is past, and what was read can be written and read again.
void check_watcher(const std::string& text) {
  namespace watcher = mysql_replication;
  constexpr std::int64_t now_ms = 100'000;
  const watcher::Memory memory = watcher::parse_memory(text, now_ms);
  ensure(memory.readers.changed_ms <= now_ms && memory.fresh_ms <= now_ms && memory.readers.value <= 1000);
  ensure(watcher::to_text(watcher::parse_memory(watcher::to_text(memory), now_ms)) == watcher::to_text(memory));
  for (const unsigned number : {1236U, 1593U, 1030U})
    static_cast<void>(watcher::classify(watcher::Thread::receiver, number, text));
}

const std::vector<std::string>& positions() {
  static const std::vector<std::string> all{
      "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-3:11:47-49,2174b383-5441-11e8-b90a-c80aa9429562:1-9223372036854775806",
      "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-3:tag:4-5:7:9-8",
      "10.0.0.2|mysql-bin.000007|500|n1|mysql-bin.000001|9000",
      "/usr/sbin/mysqld  Ver 8.0.36-28 for Linux on x86_64 (MySQL Community Server - GPL)",
      "5.5.5-10.11.19-MariaDB-0+deb12u1-log"};
  return all;
}

/// Sets obey the laws of sets, and what is written can be read again.
void check_positions(const std::string& text) {
  const std::size_t half = text.size() / 2;
  const auto one = GtidSet::parse(text), other = GtidSet::parse(text.substr(0, half));
  if (one) {
    ensure(GtidSet::parse(to_string(*one)) == one);
    ensure(one->without(*one).empty() && one->contains(*one) && one->empty() == (one->count() == 0));
  }
  if (one && other) {
    ensure(one->with(*other).contains(*other) && one->without(*other).with(*other) == one->with(*other));
    ensure(one->contains(*other) == other->without(*one).empty());
  }
  if (const auto takeover = parse_takeover(text)) {
    const auto again = parse_takeover(to_text(*takeover));
    ensure(again && again->own == takeover->own && again->former == takeover->former);
  }
  if (const auto dialect = Dialect::of(text)) ensure(!(*dialect)[Phrase::show_replication].empty());
  static_cast<void>(Dialect::of_program(text));
}

void one_round(Dice& dice) {
  static const fuzz::Mutator mutator(samples(), {"=", "\n", "[", "]", "\"", "'", "\\", "#", "--", "--skip-", " ",
                                                 std::string(1, '\0'), "\xff", "OFF", "QQQQ"});
  const std::string text = mutator.make(dice);
  check_credentials(text);
  check_options(text);
  check_parameters(text);
  check_watcher(text);
  static_cast<void>(to_text(parse_memo(text)));
  static const fuzz::Mutator breaker(
      logs(), {"\n", "'", "BINLOG '", "SET @binlog_fragment", std::string(4, '\0'), "\xff", std::string(1, '\xa2')});
  check_logs(breaker.make(dice));
  static const fuzz::Mutator shifter(positions(), {":", "-", ",", "|", ".", "0", "9", "Ver ", "a", "\n", "\xff"});
  check_positions(shifter.make(dice));
}

}  // namespace

int main(int argc, char** argv) {
  return fuzz::hammer(argc, argv, one_round);
}
