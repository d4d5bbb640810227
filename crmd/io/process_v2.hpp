// SPDX-License-Identifier: GPL-2.0-or-later
// Boost.Process v2 of Boost 1.81 with std::filesystem: its headers forget to include two things that they need then.
// Header only, so that no Boost library is linked.
#pragma once

// clang-format off
#include <boost/optional.hpp>
#include <type_traits>
#include <boost/process/v2/process.hpp>
// clang-format on
