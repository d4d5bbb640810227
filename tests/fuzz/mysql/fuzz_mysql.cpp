// SPDX-License-Identifier: GPL-2.0-or-later
// What the database's agent reads that others wrote: the passwords' file, the options that a server prints, parameters,
// and the memo on /run. A fault in the passwords' file is told without quoting the file.
#include "agents/ocf/mysql/cluster.hpp"
#include "agents/ocf/mysql/credentials.hpp"
#include "agents/ocf/mysql/options.hpp"
#include "common/base/ensure.hpp"
#include "tests/fuzz/hammer.hpp"

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

void one_round(Dice& dice) {
  static const fuzz::Mutator mutator(samples(), {"=", "\n", "[", "]", "\"", "'", "\\", "#", "--", "--skip-", " ",
                                                 std::string(1, '\0'), "\xff", "OFF", "QQQQ"});
  const std::string text = mutator.make(dice);
  check_credentials(text);
  check_options(text);
  check_parameters(text);
  static_cast<void>(to_text(parse_memo(text)));
}

}  // namespace

int main(int argc, char** argv) {
  return fuzz::hammer(argc, argv, one_round);
}
