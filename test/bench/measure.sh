# The measures.  Every round changes the severity of every entity that it names, in both worlds.  Sourced by run.
noise=$(printf 'x%.0s' $(seq 800))
declare -A statement=(
	[syncore]="INSERT INTO syncore.event (system, payload) SELECT 'ann', p FROM unnest(floor.batch(:round, :first, :n, :entities)) p;"
	[floor_writes]="SELECT floor.writes(floor.batch(:round, :first, :n, :entities));"
	[naive_trigger]="INSERT INTO floor.inbox (system, payload, external_id) SELECT 'ann', p, p ->> 'id' FROM unnest(floor.batch(:round, :first, :n, :entities)) p;"
	[bare_trigger]="INSERT INTO floor.bare_inbox (system, payload) SELECT 'ann', p FROM unnest(floor.batch(:round, :first, :n, :entities)) p;"
	[floor_insert]="INSERT INTO floor.bare (system, payload) SELECT 'ann', p FROM unnest(floor.batch(:round, :first, :n, :entities)) p;")

median() { sort -n "$1" | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

# Events a second of one statement of $batch events, over $batches statements, each its own durable transaction.
# The first of a session is not timed: it reads the catalogs and makes the plans.
bulk() { # what round entities
	local b
	for b in $(seq 0 "$batches"); do
		echo "SELECT set_config('bench.t', extract(epoch FROM clock_timestamp())::text, false);"
		sed -e "s/:first/$((b * batch))/g; s/:round/$2/g; s/:n\b/$batch/g; s/:entities/$3/g" <<<"${statement[$1]}"
		[ "$b" = 0 ] || echo "SELECT 'took ' || extract(epoch FROM clock_timestamp()) - current_setting('bench.t')::numeric;"
	done >"$data/bulk.sql"
	sql -f "$data/bulk.sql" | awk -v n="$batch" '/^took/ { s += $2; k++ } END { printf "%.0f\n", n * k / s }'
}

# What syncore decided in a round must be a change each, or the measure means nothing.
check_changes() { # before events
	local got
	got=$(sql -c "SELECT count(*) - $1 FROM syncore.ledger WHERE kind = 'change'")
	[ "$got" -ge "$2" ] || { echo "only $got of $2 events changed something: the measure is wrong" >&2; exit 1; }
}
count_changes() { sql -c "SELECT count(*) FROM syncore.ledger WHERE kind = 'change'"; }

round=0
measure_bulk() {
	local r m before
	local names=(syncore floor_writes naive_trigger bare_trigger floor_insert)
	declare -A got
	fill_database bench "$entities"
	before=$(count_changes)
	for m in "${names[@]}"; do : >"$data/$m"; done
	for r in $(seq "$rounds"); do
		round=$((round + 1))
		for m in "${names[@]}"; do bulk "$m" $round "$entities" >>"$data/$m"; done
	done
	check_changes "$before" $((rounds * (batches + 1) * batch))
	for m in "${names[@]}"; do got[$m]=$(median "$data/$m"); done
	printf '\n%s events a statement, durable commit, %s entities with 3 links, 1 changed field each (medians of %s rounds)\n' "$batch" "$entities" "$rounds"
	printf '| %-14s | %9s | %17s |\n' measure 'events/s' 'syncore is … times'
	for m in "${names[@]}"; do printf '| %-14s | %9s | %17s |\n' "$m" "${got[$m]}" "$(ratio "${got[syncore]}" "${got[$m]}")"; done
}

# One event a durable transaction, the same literal of 1 kB for both: every record of a round is another one.
write_scripts() { # entities
	local payload="format('{\"id\":\"A%s\",\"v\":%s,\"eid\":\"%s-%s\",\"by\":\"lee\",\"noise\":\"$noise\",\"f\":{\"title\":\"record %s\",\"status\":\"new\",\"severity\":\"%s\"}}', :e::int, :v::int, :e::int, :v::int, :e::int, (ARRAY['low', 'medium', 'high', 'critical'])[:level::int])::jsonb"
	local head="\\set n :n + 1
\\set k :n * :clients + :client_id
\\set e (:k * 7919) % $1 + 1
\\set v :round * 1000 + :k / $1
\\set level (:round + :k / $1) % 4 + 1"
	printf '%s\n' "$head" "INSERT INTO syncore.event (system, payload) VALUES ('ann', $payload);" >"$data/one_syncore.sql"
	printf '%s\n' "$head" "SELECT floor.writes(ARRAY[$payload]);" >"$data/one_floor_writes.sql"
}
one() { # what clients round [seconds or count as pgbench options]
	"$bin/pgbench" -n -M prepared -c "$2" -j "$2" -D n=0 -D clients="$2" -D round="$3" ${4:--T $seconds} -f "$data/one_$1.sql" 2>/dev/null |
		awk '/^tps/ { printf "%.0f\n", $3 }'
}

# Every record once, in both worlds: a page is written whole when it is first touched after a checkpoint, and that is not what is measured.
warm_up() { # entities
	local m b
	round=$((round + 1))
	for m in syncore floor_writes; do
		for b in $(seq 0 $((($1 - 1) / batch))); do
			sed -e "s/:first/$((b * batch))/g; s/:round/$round/g; s/:n\b/$batch/g; s/:entities/$1/g" <<<"${statement[$m]}"
		done >"$data/warm.sql"
		sql -f "$data/warm.sql" >/dev/null
	done
}

measure_single() {
	local c r a b
	fill_database bench "$entities"
	write_scripts "$entities"
	warm_up "$entities"
	printf '\none event a durable transaction (transactions/s, medians of %s rounds)\n' "$rounds"
	printf '| %7s | %9s | %12s | %5s |\n' clients syncore floor_writes ratio
	for c in $clients; do
		: >"$data/a"; : >"$data/b"
		for r in $(seq "$rounds"); do
			round=$((round + 1))
			one syncore "$c" $round >>"$data/a"
			one floor_writes "$c" $round >>"$data/b"
		done
		a=$(median "$data/a") b=$(median "$data/b")
		printf '| %7s | %9s | %12s | %5s |\n' "$c" "$a" "$b" "$(ratio "$a" "$b")"
	done
}

# The same $small records in both databases, which in the large one lie scattered among the others.
measure_scale() {
	local r d
	fill_database small "$small"
	fill_large
	write_scripts "$small"
	for d in small large; do : >"$data/bulk_$d"; : >"$data/one_$d"; done
	for r in 0 $(seq "$rounds"); do
		round=$((round + 1))
		for d in small large; do
			export PGDATABASE=$d
			# the first round only warms up: pages written after a checkpoint are written whole
			if [ "$r" = 0 ]; then one syncore 1 $round "-t $small" >/dev/null; continue; fi
			one syncore 1 $round >>"$data/one_$d"
			round=$((round + 1))
			bulk syncore $round "$small" >>"$data/bulk_$d"
		done
	done
	printf '\ncost of an event: %s against %s entities with %s ledger rows (events/s, medians of %s rounds)\n' "$small" "$large" "$ledger" "$rounds"
	printf '| %-22s | %9s | %9s | %17s |\n' measure small large 'large costs times'
	for m in bulk one; do
		printf '| %-22s | %9s | %9s | %17s |\n' "$([ $m = bulk ] && echo "$batch a statement" || echo 'one a transaction')" \
			"$(median "$data/${m}_small")" "$(median "$data/${m}_large")" "$(ratio "$(median "$data/${m}_small")" "$(median "$data/${m}_large")")"
	done
}

measure_why() {
	fill_large
	printf '\nwhy() at %s ledger rows\n' "$(sql -c 'SELECT count(*) FROM syncore.ledger')"
	sql -f test/bench/why.sql
}

# A record that nobody knows, where a rule looks for what is alike.
measure_match() {
	export PGDATABASE=match
	sql -d postgres -c 'CREATE DATABASE match'
	sql -c 'CREATE EXTENSION syncore CASCADE' -f sql/include/toy.sql -c 'DELETE FROM syncore.route; DELETE FROM syncore.match_rule'
	printf '\na record that nobody knows among %s entities, one a transaction (medians of 100, slowest)\n| match rules | like one | like none | slowest |\n' "$match"
	sql -v entities="$match" -f test/bench/match.sql
}

# What a server with nothing to do writes and how often its workers wake.
measure_idle() {
	local pids before after lsn pid wait=20
	fill_database bench "$entities"
	sql -c "ALTER SYSTEM SET syncore.databases = 'bench'" -c 'UPDATE syncore.system SET mode = '"'paused'" -c 'SELECT pg_reload_conf()' >/dev/null
	sql -c 'DELETE FROM syncore.delivery' -c 'VACUUM' -c 'CHECKPOINT'
	sleep 15
	lsn=$(sql -c 'SELECT pg_current_wal_lsn()')
	pids=$(sql -c "SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'syncore%'")
	before=$(for pid in $pids; do awk -v p="$pid" '/^voluntary/ { print p, $2 }' "/proc/$pid/status"; done)
	sleep $wait
	after=$(for pid in $pids; do awk -v p="$pid" '/^voluntary/ { print p, $2 }' "/proc/$pid/status"; done)
	printf '\nidle server, %s s, workers: %s\n' "$wait" "$(wc -w <<<"$pids")"
	echo "WAL written: $(sql -c "SELECT pg_current_wal_lsn() - '$lsn'::pg_lsn") bytes"
	join <(sort <<<"$before") <(sort <<<"$after") | while read -r pid a b; do
		echo "$(sql -c "SELECT backend_type FROM pg_stat_activity WHERE pid = $pid"): $(ratio $((b - a)) $wait) wake-ups a second"
	done
	sql -c 'ALTER SYSTEM RESET syncore.databases' -c 'SELECT pg_reload_conf()' >/dev/null
}
