#!/usr/bin/env bash
# Runs everything of compat/ against one qunfa binary: the SDK suites and the README's walk.
#
#   compat/run.sh                  QUNFA_BIN, else target/release/qunfa, else target/debug/qunfa
#   compat/run.sh python walk      only these (python, node, go, java, recipes, acceptance, intercept, browser, web, walk, helpers)
#
# What cannot run here (no node, no go, no chromium) is named with its reason at the end. With CI=true that is a
# failure: there everything has to run.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
export no_proxy=127.0.0.1,localhost NO_PROXY=127.0.0.1,localhost

passed=() failed=() left_out=()
server='' folder=''

cleanup() {
    if [[ -n $server ]]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    [[ -z $folder ]] || rm -rf "$folder"
}
trap cleanup EXIT

find_binary() {
    local candidate
    if [[ -n ${QUNFA_BIN:-} ]]; then
        candidate=$QUNFA_BIN
    elif [[ -x $root/target/release/qunfa ]]; then
        candidate=$root/target/release/qunfa
    else
        candidate=$root/target/debug/qunfa
    fi
    if [[ ! -x $candidate ]]; then
        echo "compat: no qunfa binary at $candidate; build one or set QUNFA_BIN" >&2
        exit 1
    fi
    QUNFA_BIN=$(cd "$(dirname "$candidate")" && pwd)/$(basename "$candidate")
    export QUNFA_BIN
}

# A suite that hangs fails with status 124.
limited() {
    timeout --kill-after=10 900 "$@"
}

# note NAME STATUS: keeps a suite's outcome for the summary.
note() {
    if [[ $2 -eq 0 ]]; then passed+=("$1"); else failed+=("$1 (status $2)"); fi
}

run_python() {
    if ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        left_out+=("python: needs python3 of version 3.11 or later with venv")
        return
    fi
    local status=0
    # Chained: bash ignores `set -e` on the left of `||`.
    {
        cd "$here/python" &&
            { [[ -x .venv/bin/python ]] || python3 -m venv .venv; } &&
            limited .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt &&
            limited .venv/bin/python -m pytest
    } || status=$?
    note python "$status"
}

run_node() {
    if ! command -v npm >/dev/null || ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null; then
        left_out+=("node: needs node of version 20 or later with npm")
        return
    fi
    local status=0
    { cd "$here/node" && limited npm ci --no-audit --no-fund --loglevel=error && limited npm test; } || status=$?
    note node "$status"
}

run_go() {
    if ! command -v go >/dev/null || ! go version | awk '{ sub(/^go/, "", $3); split($3, v, "."); good = v[1] > 1 || v[2] >= 24 } END { exit !good }'; then
        left_out+=("go: needs go of version 1.24 or later")
        return
    fi
    local status=0
    # The tests' results must not be kept: the server is no part of what go looks at.
    { cd "$here/go" && limited go vet ./... && limited go test -count=1 ./...; } || status=$?
    note go "$status"
}

run_java() {
    if ! command -v mvn >/dev/null || ! javac -version 2>/dev/null | awk '{ split($2, v, "."); good = v[1] >= 17 } END { exit !good }'; then
        left_out+=("java: needs a JDK of version 17 or later with mvn")
        return
    fi
    local status=0
    { cd "$here/java" && limited mvn --batch-mode --quiet test; } || status=$?
    note java "$status"
}

run_recipes() {
    if ! command -v python3 >/dev/null; then
        left_out+=("recipes: needs python3")
        return
    fi
    local status=0
    limited "$here/recipes.py" || status=$?
    note recipes "$status"
}

# The page of the acceptance list is the one that the tests' names make.
run_acceptance() {
    if ! command -v python3 >/dev/null; then
        left_out+=("acceptance: needs python3")
        return
    fi
    local status=0
    diff -u "$root/docs/acceptance.md" <("$here/acceptance.py" --page) || status=$?
    [[ $status -eq 0 ]] || echo "compat: run compat/acceptance.py --page > docs/acceptance.md" >&2
    note acceptance "$status"
}

# The helpers of integrators' own tests, in each language that is there.
run_helpers() {
    local status=0 helpers=$here/helpers
    if python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        {
            cd "$helpers/pytest" &&
                { [[ -x .venv/bin/python ]] || python3 -m venv .venv; } &&
                limited .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt &&
                limited .venv/bin/python -m pytest
        } || status=$?
    else
        left_out+=("helpers/pytest: needs python3 of version 3.11 or later with venv")
    fi
    if node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null; then
        { cd "$helpers/node" && limited node --test test/; } || status=$?
    else
        left_out+=("helpers/node: needs node of version 20 or later")
    fi
    if command -v go >/dev/null; then
        { cd "$helpers/go" && limited go vet ./... && limited go test -count=1 ./...; } || status=$?
    else
        left_out+=("helpers/go: needs go of version 1.24 or later")
    fi
    if command -v mvn >/dev/null && command -v javac >/dev/null; then
        { cd "$helpers/junit5" && limited mvn --batch-mode --quiet test; } || status=$?
    else
        left_out+=("helpers/junit5: needs a JDK of version 17 or later with mvn")
    fi
    note helpers "$status"
}

run_intercept() {
    if ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        left_out+=("intercept: needs python3 of version 3.11 or later with venv")
        return
    fi
    local status=0 tool
    for tool in curl go java keytool node npm unshare; do
        command -v "$tool" >/dev/null || left_out+=("intercept: the programs that need $tool")
    done
    {
        cd "$here/python" &&
            { [[ -x .venv/bin/python ]] || python3 -m venv .venv; } &&
            limited .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt &&
            { ! command -v npm >/dev/null || [[ -d $here/node/node_modules ]] || limited npm ci --prefix "$here/node" --no-audit --no-fund --loglevel=error; } &&
            cd "$here/intercept" &&
            limited ../python/.venv/bin/python -m pytest
    } || status=$?
    note intercept "$status"
}

find_chromium() {
    local candidate
    for candidate in ${CHROMIUM:-} chromium chromium-browser google-chrome; do
        if command -v "$candidate" >/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# In CI it is installed where it is missing.
install_chromium() {
    if ! find_chromium >/dev/null && [[ ${CI:-} == true && $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
        limited apt-get update -qq && DEBIAN_FRONTEND=noninteractive limited apt-get install -y -qq --no-install-recommends chromium >/dev/null || true
    fi
}

run_browser() {
    if ! command -v npm >/dev/null || ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null; then
        left_out+=("browser: needs node of version 20 or later with npm")
        return
    fi
    install_chromium
    if ! CHROMIUM=$(find_chromium); then
        left_out+=("browser: needs chromium (CHROMIUM names another path)")
        return
    fi
    export CHROMIUM
    local status=0
    { cd "$here/browser" && limited npm ci --no-audit --no-fund --loglevel=error && limited npm test; } || status=$?
    note browser "$status"
}

# The reader and the embedded inbox.
run_web() {
    if ! command -v npm >/dev/null || ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null; then
        left_out+=("web: needs node of version 20 or later with npm")
        return
    fi
    install_chromium
    if ! CHROMIUM=$(find_chromium); then
        left_out+=("web: needs chromium (CHROMIUM names another path)")
        return
    fi
    export CHROMIUM
    local status=0
    { make --silent -C "$root" web/node_modules/.package-lock.json && limited npm run --prefix "$root/web" --silent e2e; } || status=$?
    note web "$status"
}

run_walk() {
    if ! command -v curl >/dev/null; then
        left_out+=("walk: needs curl")
        return
    fi
    if [[ ! -f $root/README.md ]] || ! grep -q '<!-- walk:begin -->' "$root/README.md"; then
        left_out+=("walk: README.md has no <!-- walk:begin --> yet")
        return
    fi
    local port base status=0
    folder=$(mktemp -d)
    # A port nobody listens on; the sandbox fails loudly if somebody takes it in between.
    for port in $(shuf -i 20000-45000 -n 50); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    base=http://127.0.0.1:$port
    (cd "$folder" && exec "$QUNFA_BIN" sandbox --listen "127.0.0.1:$port" --followers 1000 --data "$folder/data") \
        > "$folder/sandbox.log" 2>&1 &
    server=$!
    local tries=0
    until curl -fsS -o /dev/null "$base/healthz" 2>/dev/null; do
        tries=$((tries + 1))
        if [[ $tries -ge 300 ]] || ! kill -0 "$server" 2>/dev/null; then
            echo "compat: the sandbox for the walk did not become ready" >&2
            tail -n 40 "$folder/sandbox.log" >&2
            note walk 1
            return
        fi
        sleep 0.1
    done
    local page
    for page in README.md docs/sandbox.md docs/inbox.md; do
        limited "$here/walk.sh" "$base" "$root/$page" || status=$?
    done
    [[ $status -eq 0 ]] || tail -n 40 "$folder/sandbox.log" >&2
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=''
    note walk "$status"
}

suites=("$@")
[[ $# -gt 0 ]] || suites=(python node go java recipes acceptance intercept browser web walk helpers)
for suite in "${suites[@]}"; do
    case $suite in
        python | node | go | java | recipes | acceptance | intercept | browser | web | walk | helpers) ;;
        *) echo "usage: $0 [python] [node] [go] [java] [recipes] [acceptance] [intercept] [browser] [web] [walk] [helpers]" >&2; exit 2 ;;
    esac
done

find_binary
echo "compat: $QUNFA_BIN"
for suite in "${suites[@]}"; do
    echo
    echo "compat: == $suite =="
    "run_$suite"
done

echo
echo "compat: == summary =="
for suite in "${passed[@]}"; do echo "  passed    $suite"; done
for suite in "${failed[@]}"; do echo "  FAILED    $suite"; done
for reason in "${left_out[@]}"; do echo "  left out  $reason"; done

if [[ ${#failed[@]} -gt 0 ]]; then
    exit 1
elif [[ ${#left_out[@]} -gt 0 && ${CI:-} == true ]]; then
    echo "compat: with CI=true nothing may be left out" >&2
    exit 1
elif [[ ${#passed[@]} -eq 0 ]]; then
    echo "compat: nothing ran" >&2
    exit 1
fi
