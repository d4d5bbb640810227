// SPDX-License-Identifier: GPL-2.0-or-later
// Words to systemd (or whoever set NOTIFY_SOCKET): "READY=1", "STOPPING=1", "STATUS=…". One datagram, no library; see
// sd_notify(3). Nobody listening is no error.
#pragma once

#include <string_view>

namespace systole::io {

void tell_service_manager(std::string_view state);

}  // namespace systole::io
