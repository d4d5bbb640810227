// SPDX-License-Identifier: GPL-2.0-or-later
// The program crm_attribute; what it does is in tools/program.hpp's function of that name.
#include "tools/program.hpp"

int main(int argc, char** argv) {
  return systole::tools::run_program(systole::tools::crm_attribute, argc, argv);
}
