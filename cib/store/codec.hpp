// SPDX-License-Identifier: GPL-2.0-or-later
// How the two durable records look as bytes. Document and stamp live in one file, so that one rename moves both: the
// document's text, then a last line that is an XML comment
//   <!-- systole term=7 node=1 index=42 history=5.2.38,6.1.40 digest=<64 hex digits> -->
// with a BLAKE2b-256 digest over the text and the stamp. history, as term.node.index, is left out where it is empty.
// Every XML tool reads such a file; a hand that edits it breaks the digest, on purpose: configuration is changed
// through cibadmin, never behind the cluster's back. The vote is one line of text of the same kind.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/base/term.hpp"

namespace systole::cib {

std::string encode(const Stamped& stamped);
/// Errc::corrupt says what is wrong: cut short, no stamp, digest.
Result<Stamped> decode(std::string_view bytes);

std::string encode(const Vote& vote);
Result<Vote> decode_vote(std::string_view bytes);

}  // namespace systole::cib
