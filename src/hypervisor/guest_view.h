#pragma once

// The file system as a VMM sees it: one directory, the generation of its VM,
// always at the same path. So no snapshot names a VM, a generation or a host,
// and restore, clone and clone of a clone rewrite no path. PURE: names only.

#include <string>
#include <string_view>

#include "src/model/guest_files.h"
#include "src/model/values.h"

namespace chrysalis::hypervisor {

using model::kApiSocket;
using model::kGuestDir;
using model::kInitrd;
using model::kKernel;
using model::kSerialSocket;

using model::dump_files;
using model::DumpFiles;
using model::kChConfig;
using model::kChMemory;
using model::kChState;
using model::kFcMemory;
using model::kFcState;

// "/run/chrysalis/vm/disk0"
inline std::string guest_path(std::string_view file) {
  return std::string(kGuestDir) + "/" + std::string(file);
}

// Ids and files of the devices of a first boot: "disk0", "net0".
inline std::string disk_id(size_t i) { return model::disk_file(i); }
inline std::string nic_id(size_t i) { return "net" + std::to_string(i); }

// The id of a NIC plugged by a clone or a foreign restore. Unique in the life
// of the guest: reuse before the guest ejected the old one is refused (500).
inline std::string fresh_nic_id(std::string_view vm_uid, uint64_t operation,
                                size_t i) {
  return "n" + std::string(vm_uid.substr(0, 8)) + "-" +
         std::to_string(operation) + "-" + std::to_string(i);
}

}  // namespace chrysalis::hypervisor
