# Tries to get out, in the shell. Prints a line for each attempt: its name, a tab, and "open" or why it was refused.

attempt() {
  name=$1
  shift
  if output=$("$@" 2>&1); then printf '%s\t%s\n' "$name" open; else printf '%s\t%s\n' "$name" "${output:-refused}" | head -n 1; fi
}

mkdir "$SCRATCH/folder-of-mine"
attempt 'works: write its scratch folder' sh -c 'echo x > "$SCRATCH/shell" && cat "$SCRATCH/shell"'
attempt 'cat the root key' cat "$ROOT_KEY"
attempt 'copy the database' cp "$DATABASE" "$SCRATCH/copy"
attempt 'list the folder of the server' ls "$DATA_DIRECTORY"
attempt 'write its own code' sh -c 'echo x >> "$0"' "$TASK/escape.mjs"
attempt 'move its own code away' mv "$TASK/escape.mjs" "$SCRATCH/escape.mjs"
attempt 'read the environment of the server' grep -aq "$MARK" "/proc/$SERVER/environ"
attempt 'mount a file system' mount -t tmpfs none "$SCRATCH/folder-of-mine"
attempt 'bind a folder over another' mount --bind /usr "$SCRATCH/folder-of-mine"
attempt 'make a user namespace' unshare --user --map-root-user true
attempt 'make a mount namespace' unshare --mount true
attempt 'begin a session' setsid --wait true
attempt 'change the root folder' /usr/sbin/chroot /usr true
attempt 'become root by a setuid program' sh -c '[ "$("$SETUID" -u)" = 0 ]'
attempt 'become root by su' sh -c 'su -c true </dev/null'
attempt 'connect to another port' bash -c "exec 3<>/dev/tcp/127.0.0.1/$OTHER_PORT"
attempt 'write a device of a disk' mknod "$SCRATCH/disk" b 254 0
attempt 'raise a limit' sh -c 'ulimit -Hn 4096'
