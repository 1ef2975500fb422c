# The four commands. Each sets up what it needs first; see scripts/setup.
.PHONY: demo test lint bench soak canaries setup setup-lint conformance

export CARGO_TERM_COLOR ?= auto
CANARY_DIR := $(or $(CARGO_TARGET_DIR),target)/canaries

demo: setup
	cargo run --release --quiet -p fieldfare-tests --bin demo -- $(if $(KEEP),--keep)

test: setup conformance
	cargo test --workspace --locked

lint: setup setup-lint
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo deny --locked check --hide-inclusion-graph bans licenses sources

bench: setup
	cargo bench --workspace --locked

# The simulation over many seeds: make soak SEEDS=20000
soak: setup
	cargo run --release --locked --quiet -p fieldfare-simulation -- --seeds $(or $(SEEDS),2000)

# Bugs planted on purpose, one after the other; the simulation must find each. They are compiled
# only by this flag, into a folder of their own.
canaries: setup
	RUSTFLAGS="--cfg fieldfare_bugs" CARGO_TARGET_DIR=$(CANARY_DIR) \
		cargo test --locked -p fieldfare-simulation --test canaries -- --nocapture --test-threads 1

# The official CRM client from npm drives the sandbox CRM.
conformance: setup
	tests/sandbox-crm/conformance/run

setup:
	@scripts/setup

setup-lint:
	@scripts/setup lint
