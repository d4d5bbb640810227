// SPDX-License-Identifier: GPL-2.0-or-later
// How far a replica is behind its primary: the one place that knows where that number comes from.
//
// Where ocf:systole:mysql-replication writes its heartbeat (systole.heartbeat), it is the age of the row that is
// applied here; the nodes' clocks are taken for equal. Else it is the server's Seconds_Behind_Master, whose step is a
// second, and which knows nothing of what the primary has done and not sent yet; NULL there means that nobody knows. A
// replica that has applied all that it received, while its receiver is connected and hears its primary, is not behind
// then, whatever the age of what it applied last.
#pragma once

#include <cstdint>
#include <optional>

#include "tools/endpoint/seen.hpp"

namespace systole::endpoint {

/// Both threads run, and something came from the primary lately.
bool flows(const Stream& stream);

/// Whether the heartbeat is being written: a row that nobody changes any more says nothing of the lag.
class BeatWatch {
 public:
  /// The newest row, in microseconds since 1970, and the clocks when it was read. Its age in ms; nullopt: it was not
  /// seen to change lately.
  std::optional<std::int64_t> see(std::int64_t row_us, std::int64_t wall_us, Time now);

 private:
  std::optional<std::int64_t> last_us_;
  std::optional<Time> changed_;
};

/// nullopt: not known.
std::optional<std::int64_t> lag_ms(const Stream& stream);

}  // namespace systole::endpoint
