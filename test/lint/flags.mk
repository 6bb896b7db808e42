# The flags of the build, for compilers that only look.
PG_CONFIG ?= $(firstword $(wildcard /usr/lib/postgresql/15/bin/pg_config) pg_config)
flags:
	@echo -std=gnu11 -D_GNU_SOURCE -Iextension/src -isystem $(shell $(PG_CONFIG) --includedir-server) -isystem $(shell xml2-config --prefix 2>/dev/null || echo /usr)/include/libxml2 -Wall -Wextra \
		-Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -Wshadow -Wvla -Wundef -Wmissing-prototypes \
		-Wimplicit-fallthrough -Werror
