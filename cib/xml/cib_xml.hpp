// SPDX-License-Identifier: GPL-2.0-or-later
// A CIB as XML text ↔ plain values, and the changes that cibadmin knows. libxml2's tree is the document of record, so
// unknown elements and attributes, their order and comments survive every change. Everything here is a function of its
// arguments: no file, no clock, no network access (external entities are refused), bounded depth and size.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cib/model/change.hpp"
#include "cib/model/configuration.hpp"
#include "cib/model/status.hpp"
#include "common/base/result.hpp"

namespace systole::cib {

/// The document that nodes replicate: <cib …><configuration>…</configuration><status/></cib> as text, status always
/// empty. Parses and checks it: well-formed (errors carry line and column), root <cib>, required sections, ids unique,
/// names and scores and references valid (errors name the element). Errc::schema for what is XML but no valid CIB.
Result<Configuration> parse_configuration(std::string_view document);

/// An empty CIB, as a new cluster starts with: validate-with pacemaker-3.9, crm_feature_set 3.16.1, epoch 0.
std::string empty_document(std::string_view cluster_name);

/// The replicated document out of any CIB text (a file, a backup): status and the header of the moment are left out,
/// the rest is checked as parse_configuration does and printed anew.
Result<std::string> to_document(std::string_view cib);

/// The status section of a whole CIB text as values; unknown parts are left out.
Result<Status> parse_status(std::string_view cib);

/// The nodes of a status section, and of each the resources that it has a history of, in the order of the document.
Result<StatusOrder> status_order(std::string_view cib);

/// The whole CIB as cibadmin -Q prints it: the document with its header's attributes and the status section rendered.
Result<std::string> render(std::string_view document, const Header& header, const Status& status);

/// Applies one request to the document (and the rendered status). Pacemaker's version rules: a configuration change
/// raises epoch by one and zeroes num_updates; a replacement or patch that is based on an older version is
/// Errc::old_version. The result is validated as parse_configuration does; Errc::schema leaves all as it was.
/// now_epoch_s stamps cib-last-written.
Result<Changed> apply(std::string_view document, const Header& header, const Status& status, const Request& request,
                      std::int64_t now_epoch_s);

/// cibadmin -Q over a whole CIB text: scope and/or xpath; several matches come in <xpath-query>. no_children: only the
/// element itself. Errc::not_found when nothing matches.
Result<std::string> query(std::string_view cib, std::string_view scope, std::string_view xpath, bool no_children);
/// cibadmin -e: the paths of what matches, as patches name them. Errc::not_found when nothing matches.
Result<std::vector<std::string>> query_paths(std::string_view cib, std::string_view xpath);

/// A difference of two CIBs in Pacemaker's patch format 2; "" when they are equal. with_versions: <version> is
/// included.
Result<std::string> diff(std::string_view from, std::string_view to, bool with_versions);

}  // namespace systole::cib
