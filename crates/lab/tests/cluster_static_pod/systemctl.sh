#!/bin/sh
# The lab's stand-in for systemctl: one unit, keepalived.
set -eu
own=/etc/rancher/keepalived
case "$*" in
  "enable --now keepalived")
    keepalived --use-file="$own.conf" --pid="$own.pid" --vrrp_pid="$own-vrrp.pid"
    # Before that it is still among this script's own processes, and would end with them.
    for _ in $(seq 100); do [ -s "$own-vrrp.pid" ] && exit; sleep 0.1; done
    echo "keepalived does not start" >&2
    exit 1
    ;;
  "disable --now keepalived")
    kill "$(cat "$own.pid")"
    while [ -e "$own.pid" ]; do sleep 0.1; done
    ;;
  *)
    echo "this systemctl knows keepalived alone, to enable and disable: $*" >&2
    exit 1
    ;;
esac
