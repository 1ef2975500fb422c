# The four commands. Each sets up what it needs first; see scripts/setup.
.PHONY: demo test lint bench soak canaries setup setup-lint conformance bindings engines fuzz same arm64 android-demo

export CARGO_TERM_COLOR ?= auto
CANARY_DIR := $(or $(CARGO_TARGET_DIR),target)/canaries

demo: setup
	cargo run --release --quiet -p fieldfare-tests --bin demo -- $(if $(KEEP),--keep)

# Random tests repeat themselves here; `make soak` plays others. Any seed: PROPTEST_RNG_SEED=N make test
test: setup conformance engines
	PROPTEST_RNG_SEED=$${PROPTEST_RNG_SEED:-1} cargo test --workspace --locked
	$(MAKE) --no-print-directory bindings same arm64

# The Kotlin and Swift packages against the real library, and the phones' own targets. What a machine lacks is
# installed, or said and left out; under CI=true nothing may be left out.
bindings: setup
	scripts/kotlin-tests
	scripts/android-demo-tests
	scripts/swift-tests
	scripts/check-phones

# The Android demo in a window, on the real engine, with a server and a CRM of its own.
android-demo: setup
	scripts/android-demo-tests --window

# The same plans and routes followed on x86-64 with glibc and musl and on ARM64, at two optimisation levels.
same: setup
	scripts/same-results

# The size of the library in apps, the tests of the pure crates and of the store as ARM64 programs, and store
# files carried from one processor to the other.
arm64: setup
	scripts/library-size
	scripts/arm64-tests

lint: setup setup-lint
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo deny --locked check --hide-inclusion-graph bans licenses sources

bench: setup
	cargo bench --quiet --locked -p fieldfare-tests --bench '*'
	tests/benches/planner/run replan
	tests/benches/planner/run days 4
	tests/benches/navigator/run
	tests/benches/sync/run sync 10000 1
	@echo "The fleet's Monday morning: tests/benches/sync/run fleet; sync beside its peers on 100,000 leads: tests/benches/sync/run sync"
	@echo "Solomon's instances take longer and need their files: SOLOMON=FOLDER tests/benches/planner/run solomon"

# The simulation over many seeds, the crash rig over many kills, and the random tests over many other cases:
# make soak SEEDS=20000 FIELDFARE_CRASH_CYCLES=1000 PROPTEST_CASES=2000
soak: setup
	SEEDS=$(or $(SEEDS),2000) scripts/soak

# Bugs planted on purpose, one after the other; the simulation must find each. They are compiled
# only by this flag, into a folder of their own.
canaries: setup
	RUSTFLAGS="--cfg fieldfare_bugs" CARGO_TARGET_DIR=$(CANARY_DIR) \
		cargo test --locked -p fieldfare-simulation --test canaries -- --nocapture --test-threads 1

# The official CRM client from npm drives the sandbox CRM.
conformance: setup
	tests/sandbox-crm/conformance/run

# Every decoder of bytes from outside, fuzzed; see scripts/fuzz for a longer hunt.
fuzz: setup
	scripts/fuzz

# OSRM, Valhalla and GraphHopper with an extract of Helsinki, in the user's cache.
engines: setup
	@scripts/routing-engines

setup:
	@scripts/setup

setup-lint:
	@scripts/setup lint
