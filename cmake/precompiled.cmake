# Precompiled headers, one set for each kind of systole_compile_as: a third of a file's time goes into the same standard headers,
# fmt, Boost and GoogleTest. Only the preset of `./run test` has them, since it builds everything from scratch. They hold no header of
# ours, and would hide that a file forgot to include one of theirs: the presets dev and release go without, and notice it.
option(SYSTOLE_PCH "Precompile the headers that most files include" OFF)
if(NOT SYSTOLE_PCH)
  return()
endif()

# systole_precompiled(KIND USES… HEADERS…). GCC takes them only under the same options: -Winvalid-pch makes anything else an error.
function(systole_precompiled kind)
  cmake_parse_arguments(arg "" "" "USES;HEADERS" ${ARGN})
  set(source ${CMAKE_BINARY_DIR}/${kind}_pch.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "")
  add_library(${kind}_pch OBJECT ${source})
  target_link_libraries(${kind}_pch PRIVATE house Boost::headers ${arg_USES})
  if(SYSTOLE_SANITIZE AND NOT kind STREQUAL core)
    target_compile_options(${kind}_pch PRIVATE -O0)
  endif()
  target_precompile_headers(${kind}_pch PRIVATE <algorithm> <array> <chrono> <deque> <functional> <map> <memory> <optional> <set>
    <string> <variant> <vector> <fmt/format.h> <boost/system/result.hpp> ${arg_HEADERS})
endfunction()

systole_precompiled(core)
systole_precompiled(outer)
systole_precompiled(shell HEADERS <boost/asio/io_context.hpp> <boost/asio/ip/udp.hpp> <boost/asio/local/stream_protocol.hpp>
  <boost/asio/post.hpp> <boost/asio/posix/stream_descriptor.hpp> <boost/asio/read.hpp> <boost/asio/signal_set.hpp>
  <boost/asio/steady_timer.hpp> <boost/asio/write.hpp>)
if(BUILD_TESTING)
  systole_precompiled(test USES GTest::gtest HEADERS <gtest/gtest.h>)
endif()
