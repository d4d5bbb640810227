// SPDX-License-Identifier: GPL-2.0-or-later
// A daemon made of two maps and a CIB document: enough of one to see what the tools ask and what they make of the
// answers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cib/xml/cib_xml.hpp"
#include "tools/program.hpp"

namespace systole::tools::test {

class FakeDaemon final : public DaemonLink {
 public:
  FakeDaemon() {
    cluster.cluster = "shop";
    cluster.self = "n1";
    cluster.leader = "n2";
    cluster.quorate = cluster.settled = true;
    cluster.nodes = {{1, "n1", true, true, false, {}}, {2, "n2", true, true, false, {{"up", 10}}}};
    document = cib::empty_document("shop");
    change(R"(<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>)", "nodes");
  }

  void change(const std::string& xml, const std::string& scope) {
    cib::Request request;
    request.change = cib::Change::replace;
    request.scope = scope;
    request.xml = xml;
    document = cib::apply(document, {}, status, request, 0).value().document;
  }

  Result<wire::ipc::Reply> ask(const wire::ipc::Request& request) override {
    asked.push_back(request);
    if (gone) return Error{Errc::not_connected, "no daemon answers on /run/systole/crmd.sock"};
    return std::visit([this](const auto& which) { return answer(which); }, request);
  }

  wire::ipc::ClusterInfo cluster;
  std::string document;
  cib::Status status;
  std::map<std::pair<std::string, std::string>, std::string> attributes;  // (node, name) → value
  std::vector<wire::ipc::Request> asked;
  bool gone = false;

 private:
  using Reply = wire::ipc::Reply;
  static Reply reply(int code, std::string text) { return Reply{code, std::move(text), {}, {}}; }

  Reply answer(const wire::ipc::QueryCib& query) {
    const auto part =
        cib::query(cib::render(document, {}, status).value(), query.scope, query.xpath, query.no_children);
    return part ? reply(0, *part) : reply(exit_code_of(part.error()), part.error().what);
  }
  Reply answer(const wire::ipc::ChangeCib& wanted) {
    const auto changed = cib::apply(document, {}, status, wanted.request, 0);
    if (!changed) return reply(exit_code_of(changed.error()), changed.error().what);
    document = changed->document;
    return reply(0, changed->output);
  }
  Reply answer(const wire::ipc::SetAttribute& set) {
    const std::pair key{set.node.empty() ? cluster.self : set.node, set.name};
    if (set.value)
      attributes[key] = *set.value;
    else
      attributes.erase(key);
    return reply(0, "");
  }
  Reply answer(const wire::ipc::QueryAttribute& query) {
    Reply found = reply(0, "");
    for (const auto& [key, value] : attributes)
      if (key.second == query.name &&
          (query.all_nodes || key.first == (query.node.empty() ? cluster.self : query.node)))
        found.attributes.push_back({key.second, key.first, value});
    if (found.attributes.empty()) found.exit_code = 105;
    return found;
  }
  Reply answer(const wire::ipc::QueryCluster&) {
    Reply found = reply(0, "");
    found.cluster = cluster;
    return found;
  }
  Reply answer(const wire::ipc::ConfirmLost& lost) { return reply(0, lost.node + " is taken for lost"); }
  Reply answer(const wire::ipc::Reexec&) { return reply(0, "it begins again now"); }
  Reply answer(const wire::ipc::Reload&) { return reply(0, "cluster.conf is taken over: node 'n3' is new"); }
  Reply answer(const wire::ipc::Why&) { return reply(0, "because\n"); }
  Reply answer(const wire::ipc::Cleanup&) { return reply(0, "Cleaned up all resources on n1, n2"); }
};

struct Ran {
  int code = 0;
  std::string out, err;
};

inline Ran run(Program program, FakeDaemon& daemon, std::vector<std::string> words,
               std::map<std::string, std::string> env = {}) {
  Surroundings here;
  here.words = std::move(words);
  here.daemon = &daemon;
  here.environment = [env = std::move(env)](std::string_view name) -> std::optional<std::string> {
    const auto found = env.find(std::string(name));
    if (found == env.end()) return {};
    return found->second;
  };
  const int code = program(here);
  return {code, here.out, here.err};
}

}  // namespace systole::tools::test
