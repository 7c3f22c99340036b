# Runs a journald of its own in a mount namespace: its journal is kept in $1; a message for each number from $2 to $3 is logged.
set -e
mount -t tmpfs none /run
mkdir -p /run/log/journal /run/systemd/journal
mount --bind "$1" /run/log/journal
/lib/systemd/systemd-journald &
journald=$!
for _ in $(seq 100); do [ -S /run/systemd/journal/stdout ] && break; sleep 0.1; done
seq -f 'n=%.0f' "$2" "$3" | systemd-cat -t real
sleep 1
kill "$journald"
wait "$journald" || true
