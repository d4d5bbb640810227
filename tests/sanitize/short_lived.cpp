// SPDX-License-Identifier: GPL-2.0-or-later
// For sanitized programs that live for a moment: the search for leaks at their end takes longer than all they do, and a
// cluster starts thousands of them. What they are made of is searched for leaks in the unit tests.

extern "C" const char* __asan_default_options();  // NOLINT: the sanitizer's name

extern "C" const char* __asan_default_options() {
  return "detect_leaks=0";
}
