// SPDX-License-Identifier: GPL-2.0-or-later
// Errors are values. An Error says what kind it is and, in words for the person who reads it, what was tried,
// on what, and why it failed. Only main() and the daemon's shell log errors; everything below returns them.
#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>

namespace systole {

enum class Errc {
  invalid,      // the input is malformed or outside its limits
  not_found,    // the object that was named does not exist
  exists,       // it exists already
  refused,      // understood, but not allowed now (no quorum, not leader, stale version)
  schema,       // well-formed XML that is no valid CIB
  old_version,  // a write based on an older version than the one stored
  permission,   // file mode or privileges
  io,           // the operating system failed us; the text carries errno's words
  corrupt,      // stored data fails its digest
  timeout,
  not_connected,  // no daemon, or no leader, answers
  too_big,        // beyond a limit of limits.hpp
  protocol,       // the other side speaks another protocol, or none
};

struct Error {
  Errc code{};
  std::string what;
  bool operator==(const Error&) const = default;
};

/// Thrown only when a Result is unwrapped without a check: a bug of ours.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

template <class T>
using Result = boost::system::result<T, Error>;

/// An Error of kind io: "<tried>: <strerror(errno)>".
Error errno_error(std::string tried);
Error errno_error(std::string tried, int errno_value);

}  // namespace systole
