# Two commands are all the set-up there is: `make demo` and `make test`.
SHELL := /bin/bash
PG_MAJOR = $(shell ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | sort -V | tail -n 1 | cut -d/ -f5)

.DEFAULT_GOAL := help
.PHONY: help demo test roles check screenshots bench setup setup-bench setup-check setup-pooler setup-screenshots

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup  ## the console on a private PostgreSQL in the state of the incident's night
	cargo build --release --locked
	@exec "$${CARGO_TARGET_DIR:-target}/release/mvtop" demo

test: setup setup-pooler  ## the whole test suite
	RUST_BACKTRACE=0 cargo test --locked

roles: setup  ## every role on every state of a server, one line a case: what is seen, what is off and why
	@set -o pipefail; cargo test -q --locked --test rights every_role -- --nocapture | grep ' | '

check: setup-check  ## formatting, lints, documentation, licences
	@find src tests benches -name '*.rs' | xargs wc -l | awk '$$2 != "total" && $$1 > 400 { print "more than 400 lines: " $$2; long = 1 } END { exit long }'
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items
	python3 tests/licences.py

screenshots: setup setup-screenshots  ## pictures from the real program on the demo
	cargo build --release --locked
	cargo run --release --locked --example screenshots

bench: setup setup-bench  ## beside psql, pg_activity and pg_top, at every size: writes BENCHMARKS.md; about half an hour
	cargo build --release --locked
	cargo bench --locked --bench micro
	python3 benches/run.py $(BENCH)

# What the demo and the tests need: a PostgreSQL server, pg_cron and pg_stat_statements. Debian and Ubuntu have
# them; elsewhere this says what to install and goes on if it is there.
setup:
	@tests/setup.sh server

setup-bench:
	@tests/setup.sh bench

setup-pooler:
	@tests/setup.sh pooler

setup-screenshots:
	@tests/setup.sh fonts

setup-check:
	@command -v python3 >/dev/null || { echo "make check needs python3"; exit 1; }
