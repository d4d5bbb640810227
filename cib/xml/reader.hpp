// SPDX-License-Identifier: GPL-2.0-or-later
// A checked cib element → the model's values.
#pragma once

#include "cib/model/configuration.hpp"
#include "cib/model/status.hpp"
#include "cib/xml/schema.hpp"

namespace systole::cib::xml {

/// Checks a whole tree and reads its configuration. Errc::schema with the reasons, Errc::too_big beyond limits.
Result<Configuration> read_configuration(const Tree& tree);

Version version_of(const xmlNode* cib);

/// <status>: what it holds beyond the model is left out; a null section is an empty status.
Status read_status(const xmlNode* status);
StatusOrder read_status_order(const xmlNode* status);
/// Writes the values as children of an empty <status>, with Pacemaker's attribute order and ids.
void write_status(xmlNode* section, const Status& status);

}  // namespace systole::cib::xml
