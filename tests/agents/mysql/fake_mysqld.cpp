// SPDX-License-Identifier: GPL-2.0-or-later
// Stands in for a MySQL server, of which Debian has none: it speaks the protocol, and answers from a file that was made
// by hand after the manual. It knows no data; what a statement changes is kept in another file, which tests read and
// write too. A statement that the file of answers does not have is refused with 1064, as a server refuses what is not
// in its grammar. All statements are written down.
//
// Beside the program, in its folder:
//   answers     blocks: "> beginning of a statement", then lines "Column: value with {names} of the state"; a block
//   with
//               "? name" has a row only where that name is set; a line "+ beginning" is a statement that is done
//   state       name=value
//   statements  what was asked, one a line
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <arpa/inet.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/base/text.hpp"

namespace {

using namespace systole;

using State = std::map<std::string, std::string>;

std::string folder;
std::mutex one_at_a_time;

std::vector<std::string> lines_of(const std::string& name) {
  std::ifstream in(folder + "/" + name);
  std::vector<std::string> all;
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

State load() {
  State state;
  for (const std::string& line : lines_of("state"))
    if (const std::size_t at = line.find('='); at != std::string::npos) state[line.substr(0, at)] = line.substr(at + 1);
  return state;
}

void store(const State& state) {
  std::ofstream out(folder + "/state.new");
  for (const auto& [name, value] : state) out << name << '=' << value << '\n';
  out.close();
  std::filesystem::rename(folder + "/state.new", folder + "/state");
}

std::string filled(std::string text, const State& state) {
  for (const auto& [name, value] : state)
    for (std::size_t at; (at = text.find("{" + name + "}")) != std::string::npos;)
      text.replace(at, name.size() + 2, value);
  return text;
}

struct Answer {
  bool known = false;
  std::vector<std::string> columns, cells;  // no columns: done
};

Answer answer_to(const std::string& statement, const State& state) {
  Answer answer;
  bool ours = false, row = true;
  for (const std::string& line : lines_of("answers")) {
    if (line.starts_with("+ ") && statement.starts_with(line.substr(2)))
      return {.known = true, .columns = {}, .cells = {}};
    if (line.starts_with("> ")) {
      if (ours) break;
      ours = statement.starts_with(line.substr(2));
      continue;
    }
    if (!ours) continue;
    if (line.starts_with("? ")) {
      const auto found = state.find(line.substr(2));
      row = found != state.end() && !found->second.empty();
    } else if (const std::size_t colon = line.find(": "); colon != std::string::npos) {
      answer.columns.push_back(line.substr(0, colon));
      answer.cells.push_back(filled(line.substr(colon + 2), state));
    }
  }
  answer.known = ours;
  if (!row) answer.cells.clear();
  return answer;
}

/// The digits, or what stands between quotes, behind the word.
std::string value_behind(const std::string& statement, const std::string& word) {
  const std::size_t at = statement.find(word);
  if (at == std::string::npos) return {};
  const std::string rest = statement.substr(at + word.size());
  if (rest.starts_with('\'')) return rest.substr(1, rest.find('\'', 1) - 1);
  return rest.substr(0, rest.find_first_not_of("0123456789ONF"));
}

/// What a statement changes, by its words in any of the dialects.
void change(const std::string& statement, State& state) {
  const auto begins = [&](const std::string& word) {
    return statement.starts_with(word + " SLAVE") || statement.starts_with(word + " REPLICA");
  };
  const auto take = [&](const std::string& word, const std::string& name) {
    if (statement.find(word) != std::string::npos) state[name] = value_behind(statement, word);
  };
  if (begins("START") || begins("STOP")) {
    const char* const now = begins("START") ? "Yes" : "No";
    if (!statement.ends_with("SQL_THREAD")) state["io"] = now;
    if (!statement.ends_with("IO_THREAD")) state["sql"] = now;
  }
  if (begins("RESET"))
    for (const char* const name : {"host", "port", "file", "pos", "retrieved"}) state[name] = "";
  if (statement.starts_with("CHANGE ")) {
    take("_HOST=", "host");
    take("_PORT=", "port");
    take("_AUTO_POSITION=", "auto");
    take("_LOG_FILE=", "file");
    take("_LOG_POS=", "pos");
  }
  if (statement == "SET GLOBAL super_read_only=ON") state["read_only"] = "1";
  if (statement == "SET GLOBAL read_only=OFF") state["read_only"] = "0";
  take("SET GLOBAL server_id=", "server_id");
  take("_enabled=", "semi");
}

// --- the protocol
// -----------------------------------------------------------------------------------------------------

std::string number(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

std::string lengthy(const std::string& text) {  // a string with its length before it
  return (text.size() < 251 ? number(text.size(), 1) : "\xfc" + number(text.size(), 2)) + text;
}

bool send_packet(int fd, unsigned char& sequence, const std::string& body) {
  const std::string all = number(body.size(), 3) + static_cast<char>(sequence++) + body;
  return ::send(fd, all.data(), all.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(all.size());
}

bool read_all(int fd, char* into, std::size_t size) {
  for (std::size_t got = 0; got < size;) {
    const ssize_t count = ::read(fd, into + got, size - got);
    if (count <= 0) return false;
    got += static_cast<std::size_t>(count);
  }
  return true;
}

bool read_packet(int fd, unsigned char& sequence, std::string& body) {
  unsigned char head[4];
  if (!read_all(fd, reinterpret_cast<char*>(head), 4)) return false;
  body.resize(head[0] | head[1] << 8 | head[2] << 16);
  sequence = static_cast<unsigned char>(head[3] + 1);
  return read_all(fd, body.data(), body.size());
}

const std::string done = std::string(3, '\0') + std::string("\x02\0\0\0", 4);
const std::string end_of_part = std::string("\xfe\0\0\x02\0", 5);

std::string greeting(const std::string& version) {
  const unsigned capabilities = 0x1 | 0x4 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000;
  return "\x0a" + version + '\0' + number(7, 4) + "12345678" + '\0' + number(capabilities & 0xffff, 2) + "\x21" +
         number(2, 2) + number(capabilities >> 16, 2) + number(21, 1) + std::string(10, '\0') + "123456789012" + '\0' +
         "mysql_native_password" + '\0';
}

bool send_answer(int fd, unsigned char sequence, const Answer& answer, const std::string& statement) {
  if (!answer.known)
    return send_packet(
        fd, sequence,
        "\xff" + number(1064, 2) + "#42000You have an error in your SQL syntax near '" + statement.substr(0, 40) + "'");
  if (answer.columns.empty()) return send_packet(fd, sequence, done);
  if (!send_packet(fd, sequence, number(answer.columns.size(), 1))) return false;
  for (const std::string& name : answer.columns)
    if (!send_packet(fd, sequence,
                     lengthy("def") + lengthy("") + lengthy("") + lengthy("") + lengthy(name) + lengthy(name) + "\x0c" +
                         number(0x21, 2) + number(1024, 4) + "\xfd" + number(0, 2) + number(0, 1) + number(0, 2)))
      return false;
  if (!send_packet(fd, sequence, end_of_part)) return false;
  if (!answer.cells.empty()) {
    std::string row;
    for (const std::string& cell : answer.cells) row += cell == "NULL" ? "\xfb" : lengthy(cell);
    if (!send_packet(fd, sequence, row)) return false;
  }
  return send_packet(fd, sequence, end_of_part);
}

void serve(int fd) {
  unsigned char sequence = 0;
  std::string body;
  const std::string version = load()["version"];
  bool open = send_packet(fd, sequence, greeting(version)) && read_packet(fd, sequence, body) &&
              send_packet(fd, sequence, done);
  while (open && read_packet(fd, sequence, body) && !body.empty() && body[0] == 3) {
    const std::string statement = body.substr(1);
    const std::lock_guard lock(one_at_a_time);
    std::ofstream(folder + "/statements", std::ios::app) << statement << '\n';
    State state = load();
    const Answer answer = answer_to(statement, state);
    if (answer.known && answer.columns.empty()) {
      change(statement, state);
      store(state);
    }
    open = send_answer(fd, sequence, answer, statement);
  }
  ::close(fd);
}

[[noreturn]] void accept_on(int listener) {
  for (;;)
    if (const int fd = ::accept(listener, nullptr, nullptr); fd >= 0) std::thread(serve, fd).detach();
}

int listen_at(const sockaddr* address, socklen_t size) {
  const int fd = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd, address, size) != 0 || ::listen(fd, 20) != 0) ::_exit(3);
  return fd;
}

std::string option(int argc, char** argv, const std::string& name) {
  std::string value;
  for (int i = 1; i < argc; ++i)
    if (const std::string word = argv[i]; word.starts_with("--" + name + "=")) value = word.substr(name.size() + 3);
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const State state = load();
  const std::string first = argc > 1 ? argv[argc - 1] : "";
  if (first == "--version") {
    fmt::print("mysqld  Ver {} for Linux on x86_64 (MySQL Community Server - GPL)\n", state.at("version"));
    return 0;
  }
  if (first == "--print-defaults") {
    fmt::print("mysqld would have been started with the following arguments:\n");
    return 0;
  }
  std::ofstream words(folder + "/command_line");
  for (int i = 1; i < argc; ++i) words << argv[i] << '\n';
  words.close();
  sockaddr_in tcp{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {}, .sin_zero = {}};
  tcp.sin_port = htons(static_cast<std::uint16_t>(parse_int<unsigned>(state.at("listen_port")).value_or(0)));
  ::inet_pton(AF_INET, state.at("listen_address").c_str(), &tcp.sin_addr);
  sockaddr_un local{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string socket = option(argc, argv, "socket");
  socket.copy(local.sun_path, sizeof local.sun_path - 1);
  ::unlink(socket.c_str());
  const int network = listen_at(reinterpret_cast<const sockaddr*>(&tcp), sizeof tcp);
  const int here = listen_at(reinterpret_cast<const sockaddr*>(&local), sizeof local);
  std::ofstream(option(argc, argv, "pid-file")) << ::getpid() << '\n';
  if (::chdir(option(argc, argv, "datadir").c_str()) != 0) return 2;
  std::thread(accept_on, network).detach();
  accept_on(here);
}
