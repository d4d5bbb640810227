// SPDX-License-Identifier: GPL-2.0-or-later
// Error's two helpers: what happens on an unchecked Result, and errno in words.
#include <cerrno>
#include <cstring>

#include "common/base/result.hpp"

namespace systole {

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  throw std::runtime_error(std::string(where.file_name()) + ": unchecked error: " + error.what);
}

Error errno_error(std::string tried, int errno_value) {
  const Errc code = errno_value == EACCES || errno_value == EPERM ? Errc::permission
                    : errno_value == ENOENT                       ? Errc::not_found
                                                                  : Errc::io;
  return {code, std::move(tried) + ": " + std::strerror(errno_value)};
}

Error errno_error(std::string tried) {
  return errno_error(std::move(tried), errno);
}

}  // namespace systole
