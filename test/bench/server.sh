# The server under measure: private copy, default durability, databases filled on first use.  Sourced by run.
bin=$(test/lib/private_pg "$work/pg")
data=${BENCH_DIR:-$work}/bench
run=()
[ "$(id -u)" != 0 ] || run=(runuser -u "${SYNCORE_TEST_USER:-postgres}" --)
export PGHOST=$data PGPORT=${PGPORT:-65433} PGUSER=bench PGOPTIONS='-c client_min_messages=warning'

stop_server() {
	[ -z "${BENCH_KEEP:-}" ] || { echo "left running: $data"; return; }
	"${run[@]}" "$bin/pg_ctl" -D "$data/db" -m immediate stop >/dev/null 2>&1 || true
	rm -rf "$data"
}

start_server() {
	mkdir -p "$work"
	chmod 755 "$work"
	make -s -j2 PG_CONFIG="$bin/pg_config" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
	make -s install PG_CONFIG="$bin/pg_config" >"$work/install.log" 2>&1 || { cat "$work/install.log"; exit 1; }
	rm -rf "$data"
	mkdir -p "$data"
	[ "$(id -u)" != 0 ] || chown "${SYNCORE_TEST_USER:-postgres}" "$data"
	trap stop_server EXIT
	"${run[@]}" "$bin/initdb" -D "$data/db" -U bench -A trust -E UTF8 --locale=C >/dev/null
	cat >>"$data/db/postgresql.conf" <<-CONF
		shared_preload_libraries = 'syncore'
		listen_addresses = ''
		unix_socket_directories = '$data'
		port = $PGPORT
		shared_buffers = ${BENCH_BUFFERS:-2GB}
		max_wal_size = 16GB
		checkpoint_timeout = 1h
		autovacuum = off
		syncore.secret_directory = '$data/secrets'
	CONF
	"${run[@]}" mkdir -m 700 "$data/secrets"
	"${run[@]}" "$bin/pg_ctl" -D "$data/db" -l "$data/log" -w start >/dev/null
	echo "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(nproc) cores, $("$bin/postgres" --version), fsync on, synchronous_commit on"
}

sql() { "$bin/psql" -XAtq -v ON_ERROR_STOP=1 "$@"; }

# A database with that many entities, three links each, in both worlds; told of through the engine.
filled=' '
fill_database() { # name entities
	export PGDATABASE=$1
	[[ $filled != *" $1 "* ]] || return 0
	filled+="$1 "
	sql -d postgres -c "CREATE DATABASE $1"
	# the floors' statements by index whatever their number, as a careful hand would have them: syncore plans its own
	sql -c "ALTER DATABASE $1 SET enable_hashjoin = off" -c "ALTER DATABASE $1 SET enable_mergejoin = off" -c "ALTER DATABASE $1 SET enable_seqscan = off"
	sql -c 'CREATE EXTENSION syncore CASCADE' -f sql/include/toy.sql
	# titles make these records one entity; three fields are mapped, as a starter mapping does
	sql -c "DELETE FROM syncore.route; DELETE FROM syncore.field_map WHERE field IN ('description', 'assignment_group')" -f test/bench/schema.sql
	sql -v entities="$2" -f test/bench/load.sql
}

# As above, then copied by plain SQL until there are so many entities and ledger rows: through the engine it would take hours.
fill_large() {
	[[ $filled != *' large '* ]] || { export PGDATABASE=large; return 0; }
	fill_database large "$small"
	sql -v small="$small" -v large="$large" -v ledger="$ledger" -f test/bench/grow.sql
}
