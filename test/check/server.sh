# A bare server in $work for the module of this folder, and nothing else in it.  Sourced by run after `work` is set.
bin=$(test/lib/private_pg "$work/pg")
data=$work/check
run=()
[ "$(id -u)" != 0 ] || run=(runuser -u "${SYNCORE_TEST_USER:-postgres}" --)

stop_server() {
	"${run[@]}" "$bin/pg_ctl" -D "$data/db" -m immediate stop >/dev/null 2>&1 || true
	rm -rf "$data"
}

# Builds syncore_check.so; the objects of core are those of the extension.
build_module() {
	make -s -j2 PG_CONFIG="$bin/pg_config" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
	make -s -C test/check PG_CONFIG="$bin/pg_config" >"$work/check.log" 2>&1 || { cat "$work/check.log"; exit 1; }
}

start_server() {
	mkdir -p "$work"
	chmod 755 "$work"
	stop_server
	mkdir -p "$data"
	[ "$(id -u)" != 0 ] || chown "${SYNCORE_TEST_USER:-postgres}" "$data"
	trap stop_server EXIT
	"${run[@]}" "$bin/initdb" -D "$data/db" -U check -A trust -E UTF8 --locale=C -N >/dev/null
	"${run[@]}" "$bin/pg_ctl" -D "$data/db" -l "$data/log" -w start \
		-o "-c listen_addresses='' -c unix_socket_directories='$data' -c fsync=off -c max_wal_size=256MB" >/dev/null
	export PGHOST=$data PGUSER=check PGDATABASE=postgres PATH="$bin:$PATH"
}
