#!/bin/sh
# Starts Redis with one user, spillway, whose password is REDIS_PASSWORD; only its digest is written to the disk.
set -eu
umask 077
here=$(dirname "$0")
digest=$(printf %s "$REDIS_PASSWORD" | sha256sum | cut -d ' ' -f 1)
unset REDIS_PASSWORD
sed "s/PASSWORD_SHA256/$digest/" "$here/users.acl" > users.acl
exec docker-entrypoint.sh redis-server "$here/redis.conf"
