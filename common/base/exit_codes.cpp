// SPDX-License-Identifier: GPL-2.0-or-later
// See exit_codes.hpp.
#include "common/base/exit_codes.hpp"

namespace systole {

int exit_code_of(const Error& error) {
  switch (error.code) {
    case Errc::invalid:
    case Errc::too_big:
      return exit_code::data;
    case Errc::not_found:
      return exit_code::no_such;
    case Errc::exists:
      return exit_code::exists;
    case Errc::refused:
      return exit_code::error;
    case Errc::schema:
      return exit_code::configuration;
    case Errc::old_version:
      return exit_code::old_version;
    case Errc::permission:
      return exit_code::permission;
    case Errc::io:
      return exit_code::io;
    case Errc::corrupt:
      return exit_code::digest;
    case Errc::timeout:
      return exit_code::timeout;
    case Errc::not_connected:
      return exit_code::not_connected;
    case Errc::protocol:
      return exit_code::protocol;
  }
  return exit_code::error;
}

}  // namespace systole
