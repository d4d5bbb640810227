// SPDX-License-Identifier: GPL-2.0-or-later
// fmt's functions as a static library. Debian ships them only as a shared one, which pulls libstdc++.so behind it:
// three quarters of an agent's start-up time. The same version's header-only half is compiled here, once for all
// agents.
#define FMT_API
#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {

template thousands_sep_result<char> thousands_sep_impl<char>(locale_ref);
template char decimal_point_impl<char>(locale_ref);
template dragonbox::decimal_fp<float> dragonbox::to_decimal(float) noexcept;
template dragonbox::decimal_fp<double> dragonbox::to_decimal(double) noexcept;
template void buffer<char>::append(const char*, const char*);
template void vformat_to(buffer<char>&, string_view, basic_format_args<buffer_context<char>>, locale_ref);

}  // namespace detail
FMT_END_NAMESPACE
