// SPDX-License-Identifier: GPL-2.0-or-later
// Random documents of few elements in many orders, so that pairs of them differ in every way that a patch can say.
#pragma once

#include <string>
#include <vector>

#include "common/base/dice.hpp"
#include "tests/unit/cib_xml/samples.hpp"

namespace systole::cib {

inline std::string random_set(Dice& dice, const std::string& id) {
  std::string set = "<meta_attributes id=\"" + id + "-m\">";
  std::vector<int> numbers;
  for (int i = 0; i < 5; ++i) {
    if (dice.chance(1, 2)) numbers.insert(numbers.begin() + dice.between(0, static_cast<int>(numbers.size())), i);
  }
  for (const int number : numbers) {
    const std::string pair = id + "-m-" + std::to_string(number);
    set += "<nvpair id=\"" + pair + "\" name=\"n\" value=\"" + std::to_string(dice.below(3)) + "\"/>";
    if (dice.chance(1, 8)) set += "<!-- c" + std::to_string(dice.below(2)) + " -->";
  }
  return set + "</meta_attributes>";
}

inline std::string random_resources(Dice& dice) {
  std::vector<std::string> parts;
  for (int i = 0; i < 6; ++i) {
    if (dice.chance(1, 3)) continue;
    const std::string id = "r" + std::to_string(i);
    std::string one = "<primitive id=\"" + id + "\" class=\"lsb\" type=\"t" + std::to_string(dice.below(2)) + "\"" +
                      (dice.chance(1, 3) ? " description=\"'&lt;&quot;'\"" : "") + ">" +
                      (dice.chance(1, 2) ? random_set(dice, id) : "") + "</primitive>";
    parts.insert(parts.begin() + dice.between(0, static_cast<std::int64_t>(parts.size())), std::move(one));
    if (dice.chance(1, 4)) parts.push_back("<!-- c" + std::to_string(dice.below(3)) + " -->");
  }
  std::string all;
  for (const std::string& part : parts) all += part;
  return all;
}

inline std::string random_cib(Dice& dice) {
  return good(to_document(cib_of({.resources = random_resources(dice)})));
}

}  // namespace systole::cib
