// SPDX-License-Identifier: GPL-2.0-or-later
// What the cluster's configuration says of the database on this node: which resource it is, and how the agent reaches
// its server. Read as the agent would get it, so that nothing has to be said twice. It costs several programs, and a
// manager that is electing may make them wait for seconds; so it has a thread of its own, and those who look at the
// database take what was read last.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "agents/kit/paths.hpp"
#include "agents/ocf/mysql/settings.hpp"
#include "cib/model/configuration.hpp"
#include "common/base/result.hpp"

namespace systole::endpoint {

struct Parameters {
  std::string node, resource;
  mysql::Settings settings;
};

/// The parameters of a primitive of ocf:systole:mysql. `wanted`: its id or that of its clone; "": the only one there
/// is.
struct Chosen {
  std::string resource;
  cib::Pairs values;
  bool promotable = false;
};
Result<Chosen> choose_database(const cib::Configuration& configuration, std::string_view wanted, std::string_view node);
/// Of what `cibadmin --query --scope configuration` prints.
Result<cib::Configuration> read_printed(std::string_view configuration);

/// Asks the cluster, and the server's own configuration where parameters say nothing.
Result<Parameters> read_parameters(const std::string& wanted, const agents::Environment& env);

class ParameterKeeper {
 public:
  using Known = Result<std::shared_ptr<const Parameters>>;

  explicit ParameterKeeper(std::string wanted);
  ~ParameterKeeper();
  ParameterKeeper(const ParameterKeeper&) = delete;
  ParameterKeeper& operator=(const ParameterKeeper&) = delete;

  /// What was read last; an Error only before it was read for the first time.
  Known known() const;
  /// They may not be true any more: they are read again soon.
  void doubt();

 private:
  void run();
  void read_again();

  const std::string wanted_;
  const agents::Environment env_;
  mutable std::mutex guard_;
  std::condition_variable wake_;
  Known known_;
  bool doubted_ = false, over_ = false;
  std::thread thread_;
};

}  // namespace systole::endpoint
