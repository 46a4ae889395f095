# Scene one: no Kubernetes at all. Sourced by demo.sh.
hello_status=virtualmachine.default.hello.status.yaml

hello_is() { grep -q "phase: \"$1\"" "$work/manifests/$hello_status"; }
hello_gone() { [ -z "$(ls "$standalone_state/vms")" ]; }

scene_standalone() {
  scene "Scene one: standalone, one host, no API server"
  step "A manifest dropped into a directory becomes a running VM"
  "$chrysalis" standalone --manifests "$work/manifests" --node-name demo-node \
    --state-dir "$standalone_state" "${node_flags[@]}" \
    > "$work/logs/standalone.log" 2>&1 8>&- &
  standalone=$!
  cat > "$work/manifests/hello.yaml" <<'YAML'
apiVersion: chrysalis.dev/v1alpha1
kind: VirtualMachine
metadata: {name: hello}
spec:
  source: {image: {name: counter}}
  stopGracePeriodSeconds: 1  # this guest has no power button
  resources: {cpu: 1, memory: 64Mi, storage: 16Mi, nics: 1}
YAML
  show "cat $work/manifests/hello.yaml"
  wait_until 20 "the VM to run" hello_is Running
  show "grep -A14 '  config:' $work/manifests/$hello_status"
  step "The manifest goes: the VM stops, its data stays until it is deleted"
  rm "$work/manifests/hello.yaml"
  wait_until 20 "the VM to stop" hello_is Stopped
  show "chrysalis delete virtualmachine/hello --state-dir $standalone_state"
  wait_until 10 "the data to go" hello_gone
  end_programs "$standalone"
  standalone=
}
