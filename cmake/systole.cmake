# The house's compiler settings and the two functions that folders use.

# Whoever builds a release may have another compiler, or another level of optimization, with warnings that we never saw.
option(SYSTOLE_WARNINGS_ARE_ERRORS "Stop at a compiler's warning (preset dev)" OFF)

add_library(house_rules INTERFACE)
target_include_directories(house_rules INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(house_rules INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Wswitch
  $<$<BOOL:${SYSTOLE_WARNINGS_ARE_ERRORS}>:-Werror>
  # The compiler's own sources must not leak the build folder into the binaries.
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
# Programs that must start fast (agents) set SYSTOLE_STATIC_FMT; see agents/kit.
target_link_libraries(house_rules INTERFACE $<IF:$<BOOL:$<TARGET_PROPERTY:SYSTOLE_STATIC_FMT>>,fmt_static,fmt::fmt>)

# What every folder uses: the rules, and the sanitizers where they are asked for.
add_library(house INTERFACE)
target_link_libraries(house INTERFACE house_rules)
option(SYSTOLE_SANITIZE "Address and undefined-behaviour sanitizers (preset dev)" OFF)
if(SYSTOLE_SANITIZE)
  # Null and misaligned pointers, object sizes and vtables are left to the address sanitizer, which stops at the same bugs:
  # checking them at each access as well makes the compiler three times slower.
  target_compile_options(house INTERFACE -fsanitize=address,undefined -fno-sanitize=null,alignment,object-size,vptr
                         -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(house INTERFACE -fsanitize=address,undefined)
endif()

# systole_compile_as(TARGET KIND): how much the compiler shall do for it, and which precompiled headers it gets.
#   core    pure: the simulator and the golden cases keep it busy, so it is optimized even under the sanitizers
#   outer   tools and agents; they and the following wait for others most of the time: under the sanitizers, compiling them with
#           optimization would take longer than they ever run
#   shell   what uses Asio
#   test    what uses GoogleTest
function(systole_compile_as target kind)
  if(SYSTOLE_SANITIZE AND NOT kind STREQUAL core)
    target_compile_options(${target} PRIVATE -O0)
  endif()
  if(SYSTOLE_PCH)
    target_precompile_headers(${target} REUSE_FROM ${kind}_pch)
  endif()
endfunction()

# systole_short_lived(TARGET): a program that is started again and again; see the file.
function(systole_short_lived target)
  if(SYSTOLE_SANITIZE)
    target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests/sanitize/short_lived.cpp)
  endif()
endfunction()

# systole_library(NAME SOURCES… USES… [KIND …]): one folder, one static library; KIND is core where none is named.
function(systole_library name)
  cmake_parse_arguments(arg "" "KIND" "SOURCES;USES" ${ARGN})
  if(NOT arg_KIND)
    set(arg_KIND core)
  endif()
  if(arg_SOURCES)
    add_library(${name} STATIC ${arg_SOURCES})
    target_link_libraries(${name} PUBLIC house ${arg_USES})
    systole_compile_as(${name} ${arg_KIND})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE house ${arg_USES})
  endif()
endfunction()

# systole_test(NAME SOURCES… USES…): one GoogleTest program, one ctest entry named after it, labelled "unit".
function(systole_test name)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;USES" ${ARGN})
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE house ${arg_USES} GTest::gtest_main)
  systole_compile_as(${name} test)
  target_compile_definitions(${name} PRIVATE SYSTOLE_SOURCE_DIR="${CMAKE_SOURCE_DIR}" SYSTOLE_BINARY_DIR="${CMAKE_BINARY_DIR}")
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
endfunction()
