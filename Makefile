# Two commands do everything on a machine with Rust and Node: `make run` and `make test`.

.DEFAULT_GOAL := help
# What goes through a pipe fails all the same.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

.PHONY: help run build tested release test fmt lint unit postgres docs deny compat web web-test web-e2e acceptance pictures bench performance servers soak clean

SANDBOX_LISTEN ?= 127.0.0.1:8080
SANDBOX_FOLLOWERS ?= 5000

# A build that happens once gains nothing from being prepared for the next one.
ifeq ($(CI),true)
export CARGO_INCREMENTAL := 0
endif

help: ## What there is
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: release ## Build everything and start the sandbox with demo data
	./target/release/qunfa sandbox --listen $(SANDBOX_LISTEN) --followers $(SANDBOX_FOLLOWERS)

build: web
	cargo build --workspace --locked

release: web ## The optimised binary, target/release/qunfa
	cargo build --release --locked -p qunfa

# One part after the other: what is timed and what has the machine to itself is not disturbed by the rest.
test: ## Everything that CI runs
	@for part in fmt lint docs web-test tested unit postgres compat; do .ci/part $$part || exit 1; done
	@echo "make test: all parts passed"

fmt: ## Formatting
	cargo fmt --all -- --check

lint: web ## Clippy, warnings are errors
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings

unit: web servers ## Rust tests, of every crate and end to end
	cargo test --workspace --all-features --locked

# Most of the time these wait for the server: more of them at once than there are cores.
postgres: web servers ## The same scenarios on PostgreSQL: every test that drives the store, the server or a node from outside
	@echo "left out on PostgreSQL: snapshots, and a position from before a restore (a server's database is copied by its own tools), data and moving (they name both stores themselves)"
	QUNFA_TEST_STORE=postgres cargo test --workspace --all-features --locked --no-fail-fast --test model --test review --test calls --test e2e --test acceptance --test live --test push -- --test-threads 4 --skip snapshots:: --skip a_position_from_before_a_restore --skip data:: --skip moving::

docs: web ## The API documentation builds without a warning
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features --locked

deny: ## Licences, banned crates and sources on every platform, and advisories; `make test` checks the first three on its own
	.ci/deny

# The binary that the Rust tests use: built as they are, so that nothing is compiled twice for `make test`.
tested: web servers
	cargo test --workspace --all-features --locked --no-run

compat: tested ## Unmodified WeChat SDKs and the README's walk against a started sandbox
	QUNFA_BIN=$(CURDIR)/target/debug/qunfa compat/run.sh

WEB_SOURCES := $(shell find web/src web/public -type f) web/index.html web/vite.config.ts

web: web/dist/embed.js ## The reader and the embedded inbox, which the binary carries; made anew only when their sources changed

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	npm ci --prefix web --no-audit --no-fund --loglevel=error
	@touch $@

web/dist/embed.js: web/node_modules/.package-lock.json $(WEB_SOURCES)
	npm run --prefix web --silent build
	@touch $@

web-test: web/node_modules/.package-lock.json ## The reader's types, style and unit tests
	npm run --prefix web --silent check
	npm run --prefix web --silent unit

web-e2e: tested ## The reader and the embedded inbox in a real Chromium, against started sandboxes
	QUNFA_BIN=$(CURDIR)/target/debug/qunfa compat/run.sh web

acceptance: ## The acceptance list, row by row, with the results of its tests
	@compat/acceptance.py

pictures: build ## Makes docs/pictures anew: every page and state, wide and phone, light and dark, in both languages
	npm ci --prefix compat/browser --no-audit --no-fund --loglevel=error
	QUNFA_BIN=$(CURDIR)/target/debug/qunfa node docs/pictures.mjs

bench: release ## A mass send to a million followers, beside a row per follower
	./target/release/qunfa bench send --followers 1000000 --rounds 9 --vs rows

# For instance PERFORMANCE_STORE=postgres://user@127.0.0.1/postgres, a user who may make databases.
PERFORMANCE_STORE ?=

performance: release ## Measures all of docs/performance.md anew: an hour, on a machine that rests
	for store in sqlite $(PERFORMANCE_STORE); do \
		to=docs/performance; kind=$${store%%:*}; \
		./target/release/qunfa bench send --followers 10000000 --rounds 4 --vs rows --store $$store --json $$to/send-$$kind.json && \
		./target/release/qunfa bench import --followers 1000000 --store $$store --json $$to/import-$$kind.json && \
		./target/release/qunfa bench tag --followers 10000000 --vs rows --store $$store --json $$to/tag-$$kind.json && \
		./target/release/qunfa bench inbox --store $$store --json $$to/inbox-$$kind.json && \
		./target/release/qunfa bench api --store $$store --json $$to/api-$$kind.json || exit 1; \
	done
	./target/release/qunfa bench send --followers 100000000 --rounds 3 --json docs/performance/send-sqlite-100m.json
	./target/release/qunfa bench live --connections 10000 --vs epoll,nats --json docs/performance/live.json
	docs/performance/plot.py

servers: ## Installs the real servers that tests start: PostgreSQL, NATS, S3
	cargo run --quiet --locked -p testkit

LONG := QUNFA_SOAK=1 cargo test --workspace --all-features --locked

soak: release tested ## The long form of the fault tests: 10,000 restarts, 20,000 disks, 10,000 readers; for a night
	@! grep -qa QUNFA_CRASH target/release/qunfa || { echo "a release build has crash points"; exit 1; }
	$(LONG) --test faults -- --nocapture --test-threads 2 | grep -vE '^(round|image) '
	$(LONG) --test cluster -- --nocapture --test-threads 1
	$(LONG) --test live i08_a_server_killed -- --nocapture
	QUNFA_TEST_STORE=postgres $(LONG) --test live i08_a_server_killed -- --nocapture
	QUNFA_RACES_ROUNDS=2000 $(LONG) --test races -- --nocapture
	QUNFA_MODEL_RUNS=20000 $(LONG) --test model -- --nocapture

clean:
	cargo clean
