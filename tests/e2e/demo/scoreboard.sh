# The promises, with what this run saw. Sourced by demo.sh.
scoreboard() {
  scene "The four promises, with this run's evidence"
  local promise line
  for promise in "Provenance is fact" "One instant" \
    "A failed restore changes nothing" "spec is the user's"; do
    printf '  [x] %s\n' "$promise"
    for line in "${proofs[@]}"; do
      [ "${line%%|*}" != "$promise" ] || printf '        %s\n' "${line#*|}"
    done
  done
  printf '\n%d steps in %d:%02d\n' "$step_number" $((SECONDS / 60)) \
    $((SECONDS % 60))
}
