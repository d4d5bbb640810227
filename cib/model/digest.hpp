// SPDX-License-Identifier: GPL-2.0-or-later
// The digest that an operation's history entry carries (lrm_rsc_op, op-digest): with which parameters it ran. Where it
// differs from that of today's parameters, the definition has changed. It is made as Pacemaker makes it, so that a CIB
// of either program is understood by the other.
#pragma once

#include <optional>
#include <string>

#include "cib/model/configuration.hpp"

namespace systole::cib {

/// MD5 in hex over the parameters as Pacemaker 2.1 writes them: one XML element named parameters, its attributes sorted
/// by name, a space before it and a line's end after it. Names that are not the agent's (CRM_meta_…, id, on_node …) and
/// empty values are left out. timeout: of a recurring operation, where it counts, too. A fingerprint only: nobody is
/// kept from anything by it.
std::string digest_of(Pairs parameters, std::optional<Duration> timeout = std::nullopt);

/// The same of an operation: its timeout counts where it recurs (interval not 0).
std::string digest_of(const Pairs& parameters, Duration interval, Duration timeout);

}  // namespace systole::cib
