# syncore: build, install, test.  `make help` lists the targets.
MODULE_big = syncore
EXTENSION = syncore
EXTVERSION = $(shell sed -n "s/^default_version *= *'\([^']*\)'.*/\1/p" syncore.control)

SOURCES = $(wildcard extension/src/*.c extension/src/core/*.c extension/src/store/*.c \
	extension/src/net/*.c extension/src/engine/*.c extension/src/worker/*.c)
OBJS = $(SOURCES:.c=.o)

# The install script is joined in the order of the names; 9x_ parts close what the others opened.
SCRIPT_PARTS = $(sort $(wildcard extension/schema/[0-8]*.sql)) $(sort $(wildcard extension/connectors/*.sql)) \
	$(sort $(wildcard extension/schema/9*.sql))
DATA_built = syncore--$(EXTVERSION).sql

# The server's headers are not ours to warn about; symbols are hidden unless marked PGDLLEXPORT, which 15 leaves empty.
PG_CPPFLAGS = -I$(CURDIR)/extension/src -isystem $(shell $(PG_CONFIG) --includedir-server) \
	-isystem $(shell xml2-config --prefix 2>/dev/null || echo /usr)/include/libxml2 -D'PGDLLEXPORT=__attribute__((visibility("default")))'
PG_CFLAGS = -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -Wshadow -Wvla -Wundef \
	-Wmissing-prototypes -Werror -fvisibility=hidden $(if $(findstring clang,$(CC)),$(CLANG_CFLAGS)) $(SYNCORE_CFLAGS)
# make CC=clang: the server's own flags and headers were made for gcc.
CLANG_CFLAGS = -Wno-unknown-warning-option -Wno-ignored-attributes -Wno-ignored-optimization-argument
SHLIB_LINK = -lcurl -lmicrohttpd -lcrypto -lxml2 $(SYNCORE_LDFLAGS)
EXTRA_CLEAN = results output_iso log tmp_check

# Bitcode for the JIT serves nothing here and needs clang to build.
override with_llvm = no

PG_CONFIG ?= $(firstword $(wildcard /usr/lib/postgresql/15/bin/pg_config) pg_config)
#: make               build the module and the install script
#: make install       install into the server of PG_CONFIG
#: make check         install what is missing (as root), build, and run all tests in private clusters
#: make demo          the ten-minute session against two simulated products
#: make lint          style, layering, error codes, sizes
#: make format        clang-format over the sources
#: make bench         speed, as ratios in one run
#: make model         the model of test/check against the real code of deciding (SEED=n, COUNT=n)
#: make mutants       known-bad variants of the engine, each of which the model must flag
#: make fuzz          bytes from outside, coverage-guided, under sanitizers (SECONDS_EACH=n)
#: make chaos         seeded faults against the invariants (SEED=n, ROUNDS=n)
#: make kills         fifty crashes of workers and server at random moments (SYNCORE_KILLS=n, SEED=n; some ten minutes)
#: make soak          20,000 calls by the same workers, which must not grow (CALLS=n, SEED=n; up to half an hour)
#: make sanitize      the suites under AddressSanitizer and UBSan (slow)
#: make clean         remove what was built
#: make help          this list

# Our own targets need no server headers (check and demo install them), and PGXS has a check of its own.
OUR_TARGETS = help check demo lint format bench model mutants fuzz chaos kills soak sanitize
ifneq ($(filter $(OUR_TARGETS),$(MAKECMDGOALS)),)

.PHONY: $(OUR_TARGETS)
help:
	@sed -n 's/^#: //p' Makefile
check:
	@test/lib/check
demo:
	@test/lib/demo
lint:
	@test/lint/lint
format:
	@test/lint/format
bench:
	@test/bench/run
model:
	@test/check/run
mutants:
	@test/check/run mutants
fuzz:
	@test/fuzz/run
chaos:
	@test/chaos/run
kills:
	@SYNCORE_KILLS=$${SYNCORE_KILLS:-50} test/lib/quick tap test/t/020_kill.pl
soak:
	@test/soak/run
sanitize:
	@test/lib/sanitize

else

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
# PostgreSQL's own flags come last and forbid what our style asks for.
override CFLAGS += -Wno-declaration-after-statement

HEADERS_ALL = $(wildcard extension/src/*.h extension/src/*/*.h)
$(OBJS): $(HEADERS_ALL)

syncore--$(EXTVERSION).sql: $(SCRIPT_PARTS) syncore.control
	cat $(SCRIPT_PARTS) > $@

endif
