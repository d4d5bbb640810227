// SPDX-License-Identifier: GPL-2.0-or-later
// One visitor made of several lambdas, a case each: std::visit(Overloaded{[](const A&) {…}, [](const B&) {…}},
// variant).
#pragma once

namespace systole {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

}  // namespace systole
