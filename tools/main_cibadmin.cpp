// SPDX-License-Identifier: GPL-2.0-or-later
// The program cibadmin.
#include "tools/cibadmin.hpp"

int main(int argc, char** argv) {
  return systole::tools::run_program(systole::tools::cibadmin, argc, argv);
}
