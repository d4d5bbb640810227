// SPDX-License-Identifier: GPL-2.0-or-later
// See lag.hpp.
#include "tools/endpoint/lag.hpp"

#include <algorithm>

namespace systole::endpoint {

namespace {

constexpr Duration still_max = 10s;  // the agent's longest interval is shorter

}  // namespace

bool flows(const Stream& stream) {
  const bool hears = stream.silence_max == Duration::zero() || stream.silent < stream.silence_max;
  return stream.status.io == mysql::IoThread::running && stream.status.sql_running && hears;
}

std::optional<std::int64_t> BeatWatch::see(std::int64_t row_us, std::int64_t wall_us, Time now) {
  if (last_us_ && *last_us_ != row_us) changed_ = now;
  last_us_ = row_us;
  if (!changed_ || now - *changed_ > still_max) return std::nullopt;
  return std::max<std::int64_t>(0, (wall_us - row_us) / 1000);
}

std::optional<std::int64_t> lag_ms(const Stream& stream) {
  if (!flows(stream)) return std::nullopt;
  if (stream.beat_age_ms) return stream.beat_age_ms;
  const mysql::GtidList& received = stream.status.received;
  if (!received.empty() && mysql::contains(stream.applied, received)) return 0;
  if (!stream.status.behind_s || *stream.status.behind_s < 0) return std::nullopt;
  return std::int64_t{*stream.status.behind_s} * 1000;
}

}  // namespace systole::endpoint
