#!/bin/sh
### BEGIN INIT INFO
# Provides:          sabotaged
# Required-Start:    $remote_fs
# Required-Stop:     $remote_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: breaks one rule
### END INIT INFO
# SPDX-License-Identifier: GPL-2.0-or-later
# An init script that keeps every rule but one: the test writes which into the next line, or spoils the text.
broken=

state=/run/lsb-sabotaged.$broken
is() { [ "$broken" = "$1" ]; }

start() {
  is start && exit 1
  is start-twice && [ -e "$state" ] && exit 1
  is slow && sleep 3
  is start-late && { (sleep 1; : >"$state") >/dev/null 2>&1 & exit 0; }
  is process && setsid sleep 100 <&- >/dev/null 2>&1 &
  : >"$state"
}

stop() {
  is stop && [ -e "$state" ] && exit 1
  is stop-stopped && ! [ -e "$state" ] && exit 7
  is stop-lies && exit 0
  is stop-late && { (sleep 5; rm -f "$state") >/dev/null 2>&1 & exit 0; }
  rm -f "$state"
}

status() {
  if [ -e "$state" ]; then
    is status-running && exit 1
    echo running
    exit 0
  fi
  is status-stopped && exit 1
  is always-running && exit 0
  echo stopped
  exit 3
}

case "$1" in
start) start ;;
stop) stop ;;
status) status ;;
restart|force-reload) stop; start ;;
*)
  is unknown && exit 0
  echo "usage: $0 {start|stop|restart|force-reload|status}" >&2
  exit 3
  ;;
esac
exit 0
