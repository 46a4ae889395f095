# What the demo says, and how it waits. Sourced by demo.sh.
finished=0 failed_step="start" step_number=0

scene() { printf '\n=== %s\n' "$1"; }

step() {
  step_number=$((step_number + 1)) failed_step=$1
  printf '\n[%d %d:%02d] %s\n' $step_number $((SECONDS / 60)) \
    $((SECONDS % 60)) "$1"
}

note() { printf '    %s\n' "$*"; }

fail() {
  printf '    FAILED: %s\n' "$*" >&2
  exit 1
}

# Prints the command and what came back; its output stays in $said.
show() {
  printf '  $ %s\n' "$*"
  said=$(bash -c "$*" 2>&1) || { indent "$said"; return 1; }
  indent "$said"
}
indent() { [ -z "$1" ] || printf '%s\n' "$1" | sed 's/^/    /'; }

# Runs a command whose failure is what is wanted.
show_refusal() {
  printf '  $ %s\n' "$*"
  if said=$(bash -c "$*" 2>&1); then
    indent "$said"
    fail "this should have been refused"
  fi
  indent "$said"
}

# wait_until SECONDS WHAT COMMAND...: asks ten times a second, never longer.
wait_until() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" > /dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || fail "waited too long for $what"
    read -r -t 0.1 <> <(:) || true
  done
}

# same WHAT A B: two values that must be equal.
same() { [ "$2" = "$3" ] || fail "$1: $2, expected $3"; }

proof() {  # proof PROMISE EVIDENCE: for the scoreboard
  proofs+=("$1|$2")
}
proofs=()
