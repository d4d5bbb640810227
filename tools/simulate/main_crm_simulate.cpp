// SPDX-License-Identifier: GPL-2.0-or-later
// The program crm_simulate.
#include "tools/simulate/crm_simulate.hpp"

int main(int argc, char** argv) {
  return systole::tools::run_program(systole::tools::crm_simulate, argc, argv);
}
