# Short names for what one does often. `make test` is what the gate runs.

.PHONY: test demo check shots setup cluster

test:            ## everything: format, lints, all tests, real cluster and browser included
	tests/run

check:           ## format and lints only
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings

demo:            ## a portal with a practice cluster, on loopback
	cargo run --release -- demo

setup:           ## install what the tests need (Debian)
	tests/setup

cluster:         ## build the control plane the tests run against
	tests/cluster/build

shots:           ## pictures of the pages, in tests/browser/shots
	TIDEGATE_SHOTS=$(CURDIR)/tests/browser/shots cargo test --test it browser
