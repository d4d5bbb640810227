// SPDX-License-Identifier: GPL-2.0-or-later
// Does somebody answer in HTTP at an address of this machine?
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace systole::agents::endpoint {

struct Place {
  std::string address, port;
  bool operator==(const Place&) const = default;
};

/// Where to ask one that listens at "192.0.2.1:9200", "[2001:db8::1]:9200" or "*:9200". invalid: it is none of these.
Result<Place> place_of(std::string_view listen);

/// Whatever the status: an endpoint whose database is gone is well. not_connected: nobody listens. timeout: who listens
/// says nothing.
Result<void> ask(const Place& place, Time deadline);

}  // namespace systole::agents::endpoint
