// SPDX-License-Identifier: GPL-2.0-or-later
// Binary and relay logs made by hand, byte for byte, as the format's description says.
#pragma once

#include <string>
#include <vector>

#include "agents/ocf/mysql/log_events.hpp"

namespace systole::mysql {

class LogMaker {
 public:
  LogMaker() {
    add("\xfe"
        "bin");
  }

  std::size_t size() const { return bytes_.size(); }
  LogMaker& event(std::uint8_t type, std::uint32_t server, const std::string& body) {
    number(time, 4);
    number(type, 1);
    number(server, 4);
    number(19 + body.size(), 4);
    number(0, 4);
    number(0, 2);
    add(body);
    return *this;
  }
  LogMaker& gtid(std::uint32_t server, std::uint64_t sequence, bool standalone = false, std::uint32_t domain = 0) {
    const std::string body = little(sequence, 8) + little(domain, 4) + static_cast<char>(standalone ? 1 : 0);
    return event(162, server, body + std::string(6, '\0'));
  }
  LogMaker& rows() { return event(23, 1, "rows"); }
  /// A row event of a table of `columns`, of which the bits in `there` are logged (an update has it twice).
  LogMaker& rows(std::uint8_t type, unsigned columns, const std::string& there) {
    return event(type, 1, std::string(8, '\0') + static_cast<char>(columns) + there + "values and sum");
  }
  LogMaker& table(const std::string& schema, const std::string& name) {
    const auto counted = [](const std::string& text) {
      return static_cast<char>(text.size()) + text + std::string(1, '\0');
    };
    return event(19, 1, std::string(8, '\0') + counted(schema) + counted(name) + "columns");
  }
  LogMaker& before(const GtidList& list) {
    std::string body = little(list.size(), 4);
    for (const Gtid& gtid : list) body += little(gtid.domain, 4) + little(gtid.server, 4) + little(gtid.sequence, 8);
    return event(15, 1, std::string(80, '\0')).event(163, 1, body);
  }
  LogMaker& xid() { return event(16, 1, std::string(8, '\0')); }
  LogMaker& statement(const std::string& text) {
    // thread, time, length of the database's name, error, length of status variables; no status, database "d"
    return event(2, 1, std::string(8, '\0') + '\1' + std::string(4, '\0') + "d" + std::string(1, '\0') + text + "sum!");
  }
  LogMaker& transaction(std::uint32_t server, std::uint64_t sequence) { return gtid(server, sequence).rows().xid(); }
  LogMaker& cut(std::size_t bytes) {
    bytes_.resize(bytes_.size() - bytes);
    return *this;
  }
  LogFile file(const std::string& path) const { return {.path = path, .bytes = bytes_}; }

  std::string text() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }
  std::uint32_t time = 0;  // of the events that come

 private:
  static std::string little(std::uint64_t value, int width) {
    std::string text;
    for (int i = 0; i < width; ++i) text += static_cast<char>((value >> (8 * i)) & 0xff);
    return text;
  }
  void add(const std::string& text) {
    for (const char c : text) bytes_.push_back(static_cast<std::byte>(c));
  }
  void number(std::uint64_t value, int width) { add(little(value, width)); }
  std::vector<std::byte> bytes_;
};

}  // namespace systole::mysql
