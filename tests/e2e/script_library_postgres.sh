#!/usr/bin/env bash
# The scripts of the library about PostgreSQL, on a server of our own: queries as often and as long as the server itself says,
# and a query that waits for a lock until we have seen it wait.
# needs: kernel runuser
set -u
# shellcheck source=tests/e2e/lib.bash
. "$FT_SOURCE/tests/e2e/lib.bash"

export LC_ALL=C PGUSER=postgres PGDATABASE=postgres PGPORT=54329
bin=$(for f in /usr/lib/postgresql/*/bin/postgres; do dirname "$f"; done | sort -V | tail -n 1)
if [ ! -x "$bin/postgres" ] || ! id -u postgres >/dev/null 2>&1 ||
	! "$FLAMETAP" run -l "process(\"$bin/postgres\").mark(\"statement__status\")" >out 2>log; then
	echo "SKIP: needs PostgreSQL with marks (Debian's has them)"
	exit 77
fi
"$FLAMETAP" run -T 0.01 -e "probe process(\"$bin/postgres\").mark(\"query__done\") { println(1) }" 2>log || {
	grep -q 'no probes on user functions' log && echo "SKIP: needs CONFIG_UPROBES" && exit 77
	fail "cannot attach"
}
PGHOST=$(mktemp -d)
export PGHOST
chown postgres "$PGHOST"
server() { (cd "$PGHOST" && runuser -u postgres -- "$bin/pg_ctl" -D "$PGHOST/data" -l "$PGHOST/log" "$@" >/dev/null); }
trap 'server stop -m immediate; rm -rf "$PGHOST"' EXIT
(cd "$PGHOST" && runuser -u postgres -- "$bin/initdb" -N -A trust -D "$PGHOST/data" >/dev/null 2>&1) || fail "initdb"
server -w -o "-F -c listen_addresses= -k $PGHOST -c log_min_duration_statement=0 -c autovacuum=off" start ||
	fail "no server: $(cat "$PGHOST/log")"
"$bin/psql" -qc 'create table things (id int, n int); insert into things values (1, 0), (2, 0)' || fail "no table"

# 20 updates that differ in numbers only, an error, and one that takes long.
for i in $(seq 20); do echo "update things set n = n + $i where id = $((i % 2 + 1));"; done >work.sql
printf 'select nothing_of(1);\nselect pg_sleep(0.05);\n' >>work.sql
postmaster=$(head -n 1 "$PGHOST/data/postmaster.pid")
: >"$PGHOST/log"
tap 0 run postgres-queries "$bin/postgres" -G slow_ms=50 -G "postmaster=$postmaster" -c "$bin/psql -q -f work.sql" >out
grep -qE '^ +20 +[0-9]+ +[0-9]+ +[0-9]+  update things set n = n \+ # where id = #;$' out || fail "postgres-queries: $(cat out)"
grep -qE '^ +1 +[0-9]+ +[0-9]+ +[0-9]+  select nothing_of\(#\);$' out || fail "postgres-queries: the error: $(cat out)"
grep -qE '^[0-9:]{8} +[0-9]+ +[0-9]+\.[0-9]{3} ms  select pg_sleep\(0\.05\);$' out || fail "postgres-queries: the slow one: $(cat out)"
# It takes what the server says, and a little around it.
awk '/duration: .*pg_sleep/ { sub(/.*duration: /, ""); said = $1 } / ms  select pg_sleep/ { seen = $3 }
	END { exit !(said >= 50 && seen >= said) }' "$PGHOST/log" out || fail "postgres-queries: $(grep pg_sleep "$PGHOST/log" out)"
# Of another server, there is nothing.
tap 0 run postgres-queries "$bin/postgres" -G postmaster=1 -c "$bin/psql -q -f work.sql" >out
! grep -q things out || fail "postgres-queries: of another server: $(cat out)"

# A query that waits for another one's lock; it is let go when the server says that it waits.
cat >wait.sh <<'END'
mkfifo commands
psql -q <commands &
exec 3>commands
echo "begin; lock table things in share mode; select pg_advisory_lock(7);" >&3
until [ "$(psql -Atc "select count(*) from pg_locks where locktype = 'advisory'")" = 1 ]; do sleep 0.05; done
psql -qc 'update things set n = 5 where id = 1' &
until [ "$(psql -Atc "select count(*) from pg_stat_activity where wait_event_type = 'Lock'")" = 1 ]; do sleep 0.05; done
echo "commit;" >&3
exec 3>&-
wait
END
oid=$("$bin/psql" -Atc "select 'things'::regclass::oid")
PATH=$bin:$PATH tap 0 run postgres-locks "$bin/postgres" -c 'bash wait.sh' >out
grep -qE "^relation +RowExclusive +[1-9][0-9]* +$oid +1 +[1-9][0-9]* +[1-9][0-9]*$" out || fail "postgres-locks: $(cat out)"
grep -qE '^ +1 +[1-9][0-9]* +[1-9][0-9]*  update things set n = # where id = #$' out || fail "postgres-locks: the query: $(cat out)"
