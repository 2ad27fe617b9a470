#!/usr/bin/env bash
# Runs the README's curl walk against a server, exactly as a reader would paste it.
#
#   compat/walk.sh http://127.0.0.1:8080 [README.md]
#
# Taken are the fenced ```bash blocks between <!-- walk:begin --> and <!-- walk:end -->, all in one bash
# with `set -e`, in a temporary folder that holds test.jpg, article.json and a link `compat` to this folder.
# The one change: a line `BASE=...` (or `export BASE=...`) becomes the address given here; $BASE is also in
# the environment. The walk fails if a command fails, if it takes over WALK_SECONDS (120), if there is no
# block or no call, or if any answer to any curl, also one kept in a variable, has an errcode other than 0.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [[ $# -lt 1 || $# -gt 2 ]]; then
    echo "usage: $0 BASE_URL [MARKDOWN_FILE]" >&2
    exit 2
fi
export BASE=${1%/}
readme=${2:-$here/../README.md}
export no_proxy=127.0.0.1,localhost NO_PROXY=127.0.0.1,localhost

fail() {
    echo "walk: $*" >&2
    exit 1
}

[[ -f $readme ]] || fail "no $readme"
real_curl=$(command -v curl) || fail "curl is not installed"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin" "$folder/place"
cp "$here/fixtures/test.jpg" "$here/fixtures/article.json" "$folder/place/"
ln -s "$here" "$folder/place/compat"

# The blocks, in their order. A list may indent a block: that much is taken off every line of it.
awk -v base="$BASE" '
    { sub(/\r$/, "") }
    !in_block && /<!-- walk:begin -->/ { in_walk = 1; begins++ }
    !in_block && /<!-- walk:end -->/   { in_walk = 0; ends++ }
    in_walk && !in_block && /^ *```bash *$/ { in_block = 1; match($0, /^ */); indent = RLENGTH; next }
    in_block && /^ *``` *$/ { in_block = 0; print ""; next }
    in_block {
        line = $0
        if (substr(line, 1, indent) ~ /^ *$/) line = substr(line, indent + 1)
        if (line ~ /^(export )?BASE=/) line = "export BASE=\"" base "\""
        print line
    }
    END {
        if (in_block || begins != ends) { print "walk: unclosed block or marker" > "/dev/stderr"; exit 1 }
    }
' "$readme" > "$folder/walk.bash"
grep -q '[^[:space:]]' "$folder/walk.bash" || fail "$readme has no bash block between the walk markers"

# A curl that also keeps every answer, so that an error in $(curl ...) is seen too.
cat > "$folder/bin/curl" <<SHIM
#!/usr/bin/env bash
answer=\$(mktemp "$folder/answer.XXXXXX")
"$real_curl" "\$@" | tee "\$answer"
exit "\${PIPESTATUS[0]}"
SHIM
chmod +x "$folder/bin/curl"

# The command line of the build under test.
for qunfa in "${QUNFA_BIN:-}" "$here/../target/release/qunfa" "$here/../target/debug/qunfa"; do
    [[ -n $qunfa && -x $qunfa ]] || continue
    ln -s "$(realpath "$qunfa")" "$folder/bin/qunfa"
    break
done

cd "$folder/place"
status=0
PATH="$folder/bin:$PATH" timeout "${WALK_SECONDS:-120}" bash -e "$folder/walk.bash" || status=$?
if [[ $status -eq 124 ]]; then
    fail "the blocks took over ${WALK_SECONDS:-120} s"
elif [[ $status -ne 0 ]]; then
    fail "the blocks ended with status $status"
fi

shopt -s nullglob
answers=("$folder"/answer.*)
[[ ${#answers[@]} -gt 0 ]] || fail "the blocks called nothing"
errors=0
for answer in "${answers[@]}"; do
    if grep -aqE '"errcode" *: *-?[1-9]' "$answer"; then
        echo "walk: an answer is an error: $(head -c 500 "$answer")" >&2
        errors=$((errors + 1))
    fi
done
[[ $errors -eq 0 ]] || fail "$errors of ${#answers[@]} answers are errors"
echo "walk: ${#answers[@]} calls, no errors"
