#!/bin/sh
# The lab's stand-in for systemctl: one unit, which the lab starts, stops and restarts.
set -u
place=/var/lib/k3s-stand-in
verb='' unit=''
for word in "$@"; do
  case $word in
    -*) ;;
    *) if [ -z "$verb" ]; then verb=$word; else unit=${word%.service}; fi ;;
  esac
done
own=$(cat "$place/unit")
state=inactive
[ ! -e "$place/active" ] || state=active
known() {
  [ "$unit" = "$own" ] || { echo "Unit $unit.service could not be found." >&2; exit "$1"; }
}
order() {
  name=$$.$(date +%s%N)
  echo "$verb" > "$place/orders/$name.new"
  mv "$place/orders/$name.new" "$place/orders/$name.order"
  turns=0
  while [ ! -e "$place/orders/$name.done" ]; do
    sleep 0.05
    turns=$((turns + 1))
    [ $turns -lt 1200 ] || { echo "the lab does not answer" >&2; exit 1; }
  done
  answer=$(cat "$place/orders/$name.done")
  rm "$place/orders/$name.done"
  [ "$answer" = ok ] || { echo "$answer" >&2; exit 1; }
}
case $verb in
  daemon-reload) ;;
  is-system-running) echo running ;;
  show)
    loaded=loaded
    [ "$unit" = "$own" ] || { loaded=not-found; state=inactive; }
    printf 'Id=%s.service\nLoadState=%s\nActiveState=%s\n' "$unit" "$loaded" "$state"
    ;;
  is-enabled) known 1; echo enabled ;;
  is-active) known 3; echo "$state"; [ "$state" = active ] ;;
  start) known 5; [ "$state" = active ] || order ;;
  restart | stop) known 5; order ;;
  *) echo "the lab's systemctl cannot $verb" >&2; exit 1 ;;
esac
