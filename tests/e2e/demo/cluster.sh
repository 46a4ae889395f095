# Scene two: kubectl only. Sourced by demo.sh.

vm() {  # vm NAME HYPERVISOR IMAGE CPU: a manifest of an image boot
  cat <<YAML
apiVersion: chrysalis.dev/v1alpha1
kind: VirtualMachine
metadata: {name: $1}
spec:
  hypervisor: $2
  source: {image: {name: $3}}
  stopGracePeriodSeconds: 1  # this guest has no power button
  resources: {cpu: $4, memory: 64Mi, storage: 16Mi, nics: 1}
YAML
}

snapshot() {  # snapshot NAME VM
  cat <<YAML
apiVersion: chrysalis.dev/v1alpha1
kind: VMSnapshot
metadata: {name: $1}
spec: {source: {virtualMachine: {name: $2}}}
YAML
}

clone() {  # clone NAME SNAPSHOT
  cat <<YAML
apiVersion: chrysalis.dev/v1alpha1
kind: VirtualMachine
metadata: {name: $1}
spec:
  source: {snapshot: {name: $2}}
  stopGracePeriodSeconds: 1
YAML
}

field() { kubectl get "$1" -o jsonpath="{$2}"; }
# Our word on a spec: kubectl diff against what the user applied is empty.
spec_untouched() {
  local file
  for file in "$@"; do
    kubectl diff -f "$work/$file.yaml" > "$work/diff" ||
      fail "the spec of $file was changed: $(cat "$work/diff")"
    diffs=$((diffs + 1))
  done
}
diffs=0

ready() {  # ready WHAT...
  show "kubectl wait --for=condition=Ready $* --timeout=60s" ||
    fail "not ready; see logs/agent.log"
}

# The guest counts in its RAM at 2 MiB: read where the snapshot holds it.
counter_in() {
  local dir file
  dir=$state/snapshots/$(field "cvmsnap/$1" .metadata.uid)
  for file in "$dir/memory-ranges" "$dir/mem"; do
    [ ! -e "$file" ] || od -An -tu4 -j $((0x200000)) -N4 "$file" | tr -d ' '
  done
}

scene_cluster() {
  scene "Scene two: Kubernetes, by kubectl alone"
  boot_both
  snapshot_and_clone
  refuse
  change_and_restore
  explain
  kill_the_agent
  delete_all
}

boot_both() {
  step "The CRDs alone hold the law; controller and agent join"
  await_api_server
  show "kubectl apply -f crds/"
  kubectl wait --for=condition=Established crd --all --timeout=30s > /dev/null
  kubectl create namespace chrysalis-system > /dev/null
  start_controller
  start_agent
  step "Cold boot on Cloud Hypervisor and on Firecracker"
  vm app CloudHypervisor counter 1 > "$work/app.yaml"
  vm worker Firecracker counter-fc 1 > "$work/worker.yaml"
  show "cat $work/app.yaml"
  show "kubectl apply -f $work/app.yaml -f $work/worker.yaml"
  ready cvm/app cvm/worker
  show "kubectl get cvm -o wide"
  spec_untouched app worker
}

snapshot_and_clone() {
  step "Snapshots: memory, devices and disks at one instant"
  snapshot golden app > "$work/golden.yaml"
  snapshot golden-fc worker > "$work/golden-fc.yaml"
  show "kubectl apply -f $work/golden.yaml -f $work/golden-fc.yaml"
  ready cvmsnap/golden cvmsnap/golden-fc
  show "kubectl get cvmsnap"
  spec_untouched golden golden-fc
  local paused
  paused=$(field cvmsnap/golden .status.pauseMilliseconds)
  proof "One instant" "golden: the guest stood still $paused ms, manifest \
$(field cvmsnap/golden .status.manifestDigest | cut -c1-19)..."

  step "Clones: cpu, memory, storage and nics come from the snapshot"
  clone app-copy golden > "$work/app-copy.yaml"
  clone worker-copy golden-fc > "$work/worker-copy.yaml"
  show "cat $work/app-copy.yaml"
  show "kubectl apply -f $work/app-copy.yaml -f $work/worker-copy.yaml"
  ready cvm/app-copy cvm/worker-copy
  show "kubectl get cvm -o custom-columns=NAME:.metadata.name,CPU:.status.config.cpu,FROM:.status.provenance.cpu,MAC:.status.interfaces[0].mac,GUEST-MAC:.status.interfaces[0].guestMAC"
  spec_untouched app-copy worker-copy
  clone_went_on app app-copy golden
  clone_went_on worker worker-copy golden-fc
}

clone_went_on() {  # clone_went_on VM CLONE SNAPSHOT
  local saved now
  [ "$(field "cvm/$1" '.status.interfaces[0].mac')" != \
    "$(field "cvm/$2" '.status.interfaces[0].mac')" ] ||
    fail "$2 has the MAC of $1"
  snapshot "$2-later" "$2" | kubectl apply -f - > /dev/null
  kubectl wait --for=condition=Ready "cvmsnap/$2-later" --timeout=60s > /dev/null
  saved=$(counter_in "$3") now=$(counter_in "$2-later")
  [ "$now" -gt "$saved" ] || fail "$2: the guest's counter is $now, saved $saved"
  note "$2 went on: its counter was $saved in $3, is $now now; another MAC"
}

refuse() {
  step "A clone that sets cpu is refused, not pretended"
  { clone greedy golden; echo '  resources: {cpu: 4}'; } > "$work/greedy.yaml"
  show "cat $work/greedy.yaml"
  show_refusal "kubectl apply -f $work/greedy.yaml"
  [[ $said == *spec.resources.cpu* ]] || fail "the message names no field"
}

change_and_restore() {
  step "The VM is changed: 2 cpus, by a restart"
  local pid
  vm app CloudHypervisor counter 2 > "$work/app.yaml"
  echo '  restart: {attempt: 2}' >> "$work/app.yaml"
  show "kubectl apply -f $work/app.yaml"
  show "kubectl wait cvm/app --for=jsonpath='{.status.config.cpu}'=2 --timeout=60s"
  ready cvm/app
  spec_untouched app

  step "A restore that cannot be leaves the VM as it was: same process"
  pid=$(vmm_pids "$state" | sort | tr '\n' ' ')
  restore app golden-fc 1 > "$work/wrong.yaml"
  show "kubectl apply -f $work/wrong.yaml"
  show "kubectl wait cvm/app --for=condition=RestoreSucceeded=False --timeout=60s"
  show "kubectl get cvm app -o jsonpath='{.status.restore.result}: {.status.restore.message}'"
  same "VMM processes" "$(vmm_pids "$state" | sort | tr '\n' ' ')" "$pid"
  proof "A failed restore changes nothing" \
    "refused, and the same VMM processes ran on: $pid"

  step "Restored in place: everything comes from the snapshot again"
  restore app golden 2 > "$work/app.yaml"
  show "cat $work/app.yaml"
  show "kubectl apply -f $work/app.yaml"
  show "kubectl wait cvm/app --for=condition=RestoreSucceeded --timeout=60s"
  ready cvm/app
  spec_untouched app
  same "cpu after the restore" "$(field cvm/app .status.config.cpu)" 1
  note "no vCPU ran for $(field cvm/app .status.restore.pauseMilliseconds) ms"
}

restore() {  # restore VM SNAPSHOT ATTEMPT: no resources beside a restore
  cat <<YAML
apiVersion: chrysalis.dev/v1alpha1
kind: VirtualMachine
metadata: {name: $1}
spec:
  hypervisor: CloudHypervisor
  source: {image: {name: counter}}
  stopGracePeriodSeconds: 1
  restart: {attempt: 2}
  restore: {snapshot: $2, attempt: $3}
YAML
}

provenance_table() {
  kubectl get cvm "$1" -o json | python3 -c '
import json, sys
status = json.load(sys.stdin)["status"]
for key, value in status["config"].items():
    print("%-14s %-24s %s" % (key, str(value)[:24], status["provenance"][key]))'
}

explain() {
  step "Where each value came from"
  provenance_table app > "$work/provenance"
  note "of cvm/app: field, value, source"
  indent "$(cat "$work/provenance")"
  same "source of cpu" "$(field cvm/app .status.provenance.cpu)" Snapshot
  same "source of network" "$(field cvm/app .status.provenance.network)" \
    VirtualMachine
  proof "Provenance is fact" \
    "$(grep -c . "$work/provenance") fields read back, each with its source"
  step "The spec is the user's: nothing of it was written"
  show "kubectl diff -f $work/app.yaml" || fail "the spec was changed"
  [ -z "$said" ] || fail "kubectl diff is not empty"
  diffs=$((diffs + 1))
}

kill_the_agent() {
  step "The agent is killed; the VMs run on; it comes back and takes them over"
  local before after
  before=$(vmm_pids "$state" | sort)
  show "kill -9 $agent"
  wait "$agent" 2> /dev/null || true
  same "VMM processes" "$(vmm_pids "$state" | sort)" "$before"
  start_agent
  wait_until 30 "the agent to be back" agent_adopted
  after=$(vmm_pids "$state" | sort)
  same "VMM processes after the return" "$after" "$before"
  provenance_table app | diff "$work/provenance" - ||
    fail "provenance changed over the agent's death"
  note "same VMM processes: $(echo "$before" | tr '\n' ' ')"
  note "same provenance"
  proof "Provenance is fact" "and it survived kill -9 of the agent, unchanged"
  spec_untouched app worker app-copy worker-copy golden golden-fc
  proof "spec is the user's" \
    "kubectl diff was empty after every operation: $diffs times"
}

# It says so once it has adopted what it found.
agent_adopted() { [ "$(grep -c ' agent runs' "$work/logs/agent.log")" = 2 ]; }

delete_all() {
  [ "${DEMO_KEEP:-0}" != 1 ] || return 0
  step "All is deleted, nothing is left"
  show "kubectl delete cvm,cvmsnap --all --timeout=60s"
  [ -z "$(leftovers "$state")" ] || fail "left: $(leftovers "$state")"
  note "no process, no namespace, no directory"
}
