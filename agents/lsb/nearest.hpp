// SPDX-License-Identifier: GPL-2.0-or-later
// The name that was probably meant: pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace systole::lsb {

/// How many letters must be put in, taken out, changed or swapped with their neighbour to make one of the other; a
/// letter's case counts as no change.
std::size_t distance(std::string_view one, std::string_view other);

/// The candidate that is nearest, the first of several; "": none is near (more than a third of the letters differ, and
/// neither begins with the other).
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace systole::lsb
