// SPDX-License-Identifier: GPL-2.0-or-later
// See stand_ins.hpp. A script for the shell, since agents call these tools from wherever they like and each call must
// find the folder by itself. Options are those that agents use.
#include "tools/agent/stand_ins.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "agents/kit/paths.hpp"

namespace systole::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view script = R"(#!/bin/sh
# Keeps attributes in files; written by systole agent test, gone when the test ends.
tool=${0##*/} here=${0%/*} self=$(uname -n)
if [ "$tool" = crm_node ]; then
  case $1 in
  -l|--list|-p|--partition) echo "1 $self member" ;;
  -q|--quorum) echo 1 ;;
  *) echo "$self" ;;
  esac
  exit 0
fi
score=master-${OCF_RESOURCE_INSTANCE%%:*}
node=$self name= value= action=query quiet= otherwise=
[ "$tool" = crm_master ] && name=$score
while [ $# -gt 0 ]; do
  case $1 in
  --*=*) option=${1%%=*} argument=${1#*=}; shift; set -- "$option" "$argument" "$@" ;;
  esac
  case $1 in
  -n|--name|--attr-name|-A|--attribute) name=$2; shift ;;
  -N|--node|--uname|-U) if [ "$tool" = attrd_updater ] && [ "$1" = -U ]; then value=$2 action=set; else node=$2; fi
    shift ;;
  -v|--update|--attr-value|-B|--update-both|-i) value=$2 action=set; shift ;;
  -d|--default|--dampen|--delay) [ "$tool" = crm_attribute ] && otherwise=$2; shift ;;
  -t|--type) case $2 in crm_config|op_defaults|rsc_defaults) node=.$2 ;; esac; shift ;;
  -l|--lifetime|-s|--set-name|-P|--promoted|--set) shift ;;
  -p|--promotion) name=$score
    case $2 in ''|-*) ;; *) [ "$tool" = crm_attribute ] && name=master-${2%%:*}; shift ;; esac ;;
  -D|--delete|--delete-attr) action=delete ;;
  -Q|-q|--quiet) [ "$tool$1" = attrd_updater-Q ] || quiet=1 ;;
  esac
  shift
done
case $name in ''|*/*) echo "$tool: no name of an attribute" >&2; exit 64 ;; esac
file=$here/values/$node/$name
mkdir -p "${file%/*}"
case $action in
set)
  case $value in
  *++) old=$(cat "$file" 2>/dev/null); value=$((${old:-0} + 1)) ;;
  esac
  printf '%s' "$value" >"$file" ;;
delete) rm -f "$file" ;;
query)
  if [ -e "$file" ]; then value=$(cat "$file")
  elif [ -n "$otherwise" ]; then value=$otherwise
  else echo "$tool: there is no attribute '$name'" >&2; exit 105
  fi
  if [ "$tool" = attrd_updater ]; then echo "name=\"$name\" host=\"$node\" value=\"$value\""
  elif [ -n "$quiet" ]; then echo "$value"
  else echo "scope=nodes  name=$name value=$value"
  fi ;;
esac
exit 0
)";

}  // namespace

StandIns::StandIns() {
  std::error_code no_folder;
  std::string pattern = fs::temp_directory_path(no_folder) / "systole-stand-ins-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) {
    made_ = errno_error(fmt::format("cannot make the folder '{}'", pattern));
    return;
  }
  folder_ = pattern;
  std::error_code error;
  fs::permissions(folder_, fs::perms{0755}, error);
  for (const char* const tool : {"crm_attribute", "crm_master", "attrd_updater", "crm_node"}) {
    if (!made_) return;
    // The shell tells a script its path, and that of a link is the link's: but a copy each needs no thought.
    made_ = agents::write_file(folder_ + "/" + tool, script, false, 0755);
    fs::permissions(folder_ + "/" + tool, fs::perms{0755}, error);
  }
}

StandIns::~StandIns() {
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

}  // namespace systole::tools
