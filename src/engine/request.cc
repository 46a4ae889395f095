#include "src/engine/request.h"

namespace chrysalis::engine {

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kBoot:
      return "Boot";
    case Kind::kStart:
      return "Start";
    case Kind::kStop:
      return "Stop";
    case Kind::kPause:
      return "Pause";
    case Kind::kResume:
      return "Resume";
    case Kind::kRestart:
      return "Restart";
    case Kind::kSnapshot:
      return "Snapshot";
    case Kind::kClone:
      return "Clone";
    case Kind::kRestore:
      return "Restore";
    case Kind::kDeleteVm:
      return "DeleteVm";
    case Kind::kDeleteSnapshot:
      return "DeleteSnapshot";
    case Kind::kImport:
      return "Import";
    case Kind::kReap:
      return "Reap";
  }
  return "";
}

namespace {
struct KindOf {
  Kind operator()(const BootRequest&) const { return Kind::kBoot; }
  Kind operator()(const StartRequest&) const { return Kind::kStart; }
  Kind operator()(const StopRequest&) const { return Kind::kStop; }
  Kind operator()(const PauseRequest&) const { return Kind::kPause; }
  Kind operator()(const ResumeRequest&) const { return Kind::kResume; }
  Kind operator()(const RestartRequest&) const { return Kind::kRestart; }
  Kind operator()(const SnapshotRequest&) const { return Kind::kSnapshot; }
  Kind operator()(const CloneRequest&) const { return Kind::kClone; }
  Kind operator()(const RestoreRequest&) const { return Kind::kRestore; }
  Kind operator()(const DeleteVmRequest&) const { return Kind::kDeleteVm; }
  Kind operator()(const DeleteSnapshotRequest&) const {
    return Kind::kDeleteSnapshot;
  }
  Kind operator()(const ImportRequest&) const { return Kind::kImport; }
};
}  // namespace

Kind kind_of(const Request& request) { return std::visit(KindOf{}, request); }

}  // namespace chrysalis::engine
