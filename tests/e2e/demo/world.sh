# Where the demo runs: programs, directories, processes; and how all of it
# ends. Sourced by demo.sh.
release=$PWD/build/${DEMO_PRESET:-release}
chrysalis=$release/controller/chrysalis
kept=$PWD/build/demo.kept  # of DEMO_KEEP=1: directory and pids

real_programs() {
  [ -x "${CHRYSALIS_CLOUD_HYPERVISOR:-}" ] &&
    [ -x "${CHRYSALIS_FIRECRACKER:-}" ] && : 2> /dev/null <> /dev/kvm
}

need_root() {
  [ "$(id -u)" = 0 ] && return
  echo "demo: needs root, for network namespaces and TAPs; run: sudo make demo"
  exit 1
}

make_world() {
  need_root
  [ ! -e "$kept" ] || {
    echo "demo: one is still running; end it by: make demo-stop"
    exit 1
  }
  trap '' PIPE
  export PATH=${chrysalis%/*}:$PATH
  work=$(mktemp -d /tmp/chrysalis-demo.XXXXXX)
  chmod 711 "$work"  # the VMMs' own users pass through
  state=$work/state standalone_state=$work/alone
  mkdir -p "$work/images/counter" "$work/images/counter-fc" "$work/logs" \
    "$work/manifests" "$work/bin"
  if real_programs; then
    ch=$CHRYSALIS_CLOUD_HYPERVISOR fc=$CHRYSALIS_FIRECRACKER
    cp "$release/guests/eject64.elf" "$work/images/counter/kernel"
    cp "$release/guests/tick32.elf" "$work/images/counter-fc/kernel"
    node_flags=(--max-phys-bits 36)  # the shape of that guest
    echo "On the real programs: $("$ch" --version | head -1), $("$fc" --version | head -1)"
  else
    ch=$release/simulated/cloud-hypervisor fc=$release/simulated/firecracker
    echo 'simulated-guest eject acpi' > "$work/images/counter/kernel"
    echo 'simulated-guest acpi' > "$work/images/counter-fc/kernel"
    node_flags=()
    echo "************************************************************"
    echo "* SIMULATED: no VM runs. Both hypervisors are simulated    *"
    echo "* by tests/fakes/fake_vmm. For the real ones, name them in *"
    echo "* CHRYSALIS_CLOUD_HYPERVISOR and CHRYSALIS_FIRECRACKER.    *"
    echo "************************************************************"
  fi
  node_flags+=(--image-root "$work/images" --cloud-hypervisor "$ch"
    --firecracker "$fc" --shim "$release/src/shim/chrysalis-shim")
}

start_api_server() {
  mkfifo "$work/up.in"
  exec 8<> "$work/up.in"  # kube_up lives as long as this is open
  "$release/tests/kube/kube_up" "$work" < "$work/up.in" \
    > "$work/logs/kube_up.log" 2>&1 8>&- &
  kube_up=$!
}

await_api_server() {
  wait_until 60 "the API server (logs/kube_up.log)" \
    grep -q '^ready' "$work/logs/kube_up.log"
  ln -sf "$(awk '/^ready/ { print $3 }' "$work/logs/kube_up.log")" \
    "$work/bin/kubectl"
  export PATH=$work/bin:$PATH KUBECONFIG=$work/kubeconfig
}

start_controller() {
  "$chrysalis" controller --kubeconfig "$work/kubeconfig" \
    >> "$work/logs/controller.log" 2>&1 8>&- &
  controller=$!
}

start_agent() {
  "$chrysalis" agent --node-name demo-node --kubeconfig "$work/kubeconfig" \
    --state-dir "$state" "${node_flags[@]}" >> "$work/logs/agent.log" 2>&1 8>&- &
  agent=$!
}

# Processes in the namespace of each VM of ours: its VMM.
vmm_pids() {
  local ns
  for ns in $(ip netns list 2> /dev/null | awk '/^cvm-/ { print $1 }' | sort); do
    [ -d "$1/vms/${ns#cvm-}" ] || continue
    ip netns pids "$ns"
  done
}

# Everything that a run left on this host, one line a thing; empty when clean.
leftovers() {
  vmm_pids "$1" | sed 's/^/process /'
  find "$1/vms" "$1/snapshots" -mindepth 1 -maxdepth 1 \
    ! -name .staging 2> /dev/null | sed 's/^/directory /'
}

end_programs() {
  local pid
  for pid in "$@"; do
    kill "$pid" 2> /dev/null || true
  done
  for pid in "$@"; do
    tail --pid="$pid" -f /dev/null 2> /dev/null || true
  done
}

# VMMs of a run that failed: they outlive the agent, as they should.
kill_vmms() {
  local dir=$1 ns pid
  for pid in $(vmm_pids "$dir"); do kill -9 "$pid" 2> /dev/null || true; done
  for ns in $(ip netns list 2> /dev/null | awk '/^cvm-/ { print $1 }'); do
    [ ! -d "$dir/vms/${ns#cvm-}" ] || ip netns del "$ns" 2> /dev/null || true
  done
}

end_world() {
  local code=$1
  trap - EXIT
  if [ "$code" = 0 ] && [ "$finished" = 1 ] && [ "${DEMO_KEEP:-0}" = 1 ]; then
    echo "$work $agent $controller $kube_up" > "$kept"
    setsid tail -f /dev/null > "$work/up.in" 8>&- &
    echo "$! keeps kube_up" >> "$kept"
    printf '\nAll of it is still running. Go on with:\n'
    printf '  export PATH=%s/bin:$PATH KUBECONFIG=%s/kubeconfig\n' "$work" "$work"
    printf '  kubectl get chrysalis\n  make demo-stop      # ends it\n'
    echo "demo: all steps passed"
    exit 0
  fi
  end_programs ${standalone:-} ${agent:-} ${controller:-}
  exec 8>&-
  end_programs ${kube_up:-}
  kill_vmms "$state"
  kill_vmms "$standalone_state"
  if [ "$code" = 0 ] && [ "$finished" = 1 ]; then
    rm -rf "$work"
    echo "demo: all steps passed"
    exit 0
  fi
  echo "demo: FAILED at step $step_number: $failed_step"
  echo "demo: logs are in $work/logs, the node's files in $state"
  exit 1
}

stop_kept_demo() {
  [ -e "$kept" ] || { echo "demo: none is running"; return; }
  local rest
  read -r work agent controller kube_up < "$kept"
  rest=$(awk 'NR == 2 { print $1 }' "$kept")
  state=$work/state
  end_programs "$agent" "$controller"
  kill_vmms "$state"
  end_programs "$rest" "$kube_up"
  rm -rf "$work" "$kept"
  echo "demo: ended"
}
