#pragma once

// The ObjectStore over a directory of manifests: what an API server would do
// for one host. Manifests are read (manifest_reader.h), what changed is
// decided (directory_scan.h), judged by the rules of controller/api, given uid
// and generation in node.db, and shown to the reconcilers:
//
//   in a manifest                     as written; status.nodeName is this node
//   manifest removed, VM has data     the same VM with powerState Stopped
//   manifest removed, ready snapshot  as it was: it can be used
//   manifest removed, nothing there   not shown
//   `chrysalis delete` accepted       with meta.deleted_at, until its finalizer
//                                     is removed; then everything of it goes
//   refused at creation               not shown; its status file says Stalled
//   refused change                    as last accepted; the file says Stalled
//
// Every object carries this node's finalizer from the start. A removed and
// returned manifest keeps its uid; each change of what is shown in `spec`
// counts the generation up.
//
// Status: <kind>.<namespace>.<name>.status.yaml beside the manifests, whole
//   object header and status, written when changed. A file that could not be
//   written is said and tried again; the objects and VMs do not wait for it.
// Thread-safety: every call from any thread. Writes are one at a time and
//   block for the disk; reads never wait for them.
// Errors: those of Objects<T>; open(): see there.
// Ownership: borrows its Deps and outlives every user of store().

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "controller/runtime/directory/directory_scan.h"
#include "controller/runtime/object_store.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/base/result.h"
#include "src/store/node_db.h"

namespace chrysalis::runtime::directory {

class DirectoryObjects {
 public:
  struct Options {
    std::filesystem::path manifests;
    std::string node_name;
    std::string finalizer;        // chrysalis.dev/node-<hash>
    milliseconds rescan{30'000};  // also when no change was heard of
  };
  struct Deps {
    FileSystem& files;
    store::NodeDb& db;
    const Clock& clock;
  };

  // Shows what node.db remembers and scans once, so that the store is synced.
  // kNotFound, kInvalid: there is no such directory and nothing is remembered
  // either: a mistake in the flag. With something remembered it is only said.
  static Result<std::unique_ptr<DirectoryObjects>> open(Options options,
                                                        Deps deps);
  virtual ~DirectoryObjects() = default;

  virtual ObjectStore store() = 0;

  // Watches the directory on a thread of its own until stop() or the end.
  virtual Result<> start() = 0;
  virtual void stop() = 0;

  // One scan, here and now; ok also when it was disregarded (said() has why).
  // kUnavailable: node.db refused, nothing was changed.
  virtual Result<> scan() = 0;
  // Everything that stands wrong in the manifests as of the last scan.
  [[nodiscard]] virtual std::vector<Said> said() const = 0;

  // `chrysalis delete`: accepted durably; asking again is ok. Answers the uid.
  // kNotFound: no such object. kConflict: a manifest still asks for it.
  // kUnavailable: the directory cannot be read, so nobody knows.
  virtual Result<std::string> ask_delete(const ObjectId& id) = 0;
  // Until that uid is gone. kTimeout; kUnavailable: stopping.
  virtual Result<> wait_gone(const ObjectId& id, const std::string& uid,
                             Mono deadline, std::stop_token stop) = 0;
};

}  // namespace chrysalis::runtime::directory
