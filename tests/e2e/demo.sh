#!/usr/bin/env bash
# The main job, shown: a manifest in a directory becomes a VM; then, by kubectl
# alone, boot, snapshot, clone, refusal, restore, provenance, an agent's death.
# usage: tests/e2e/demo.sh [stop]
#   DEMO_KEEP=1                      leave all running at the end
#   CHRYSALIS_CLOUD_HYPERVISOR, CHRYSALIS_FIRECRACKER   the real programs
# The last line of a good run is "demo: all steps passed".
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/e2e/demo/talk.sh
. tests/e2e/demo/world.sh
. tests/e2e/demo/standalone.sh
. tests/e2e/demo/cluster.sh
. tests/e2e/demo/scoreboard.sh

if [ "${1:-}" = stop ]; then
  stop_kept_demo
  exit
fi

make_world
trap 'end_world $?' EXIT
start_api_server  # it comes up while scene one plays
scene_standalone
scene_cluster
scoreboard
finished=1
