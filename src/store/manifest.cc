#include "src/store/manifest.h"

#include <algorithm>

#include "src/base/bounded_json.h"
#include "src/base/tree_hash.h"
#include "src/model/guest_files.h"
#include "src/store/manifest_check.h"
#include "src/store/record_shapes.h"

namespace chrysalis::store {
namespace codec {

template <>
struct Shape<ManifestFile> {
  static void visit(auto&& v, auto& r) {
    v("name", r.name);
    v("bytes", r.bytes);
    v("dataBytes", r.data_bytes);
    v("sha256", r.sha256);
  }
};
// The grammar of version 1: a name here is for ever (tests/golden).
template <>
struct Shape<Manifest> {
  static void visit(auto&& v, auto& r) {
    v("config", r.config);
    v("topology", r.topology);
    v("disks", r.disks);
    v("cmdline", r.cmdline);
    v("hasInitrd", r.has_initrd);
    v("cacheType", r.cache_type);
    v("vmm", r.vmm);
    v("cpuModel", r.cpu_model);
    v("hostKernel", r.host_kernel);
    v("sourceUID", r.source_uid);
    v("capturedAt", r.captured_at);
    v("pauseMs", r.pause_ms);
    v("files", r.files);
  }
};

}  // namespace codec

namespace {

using nlohmann::json;

constexpr const char* kFormatKey = "format";
constexpr const char* kVersionKey = "version";
constexpr JsonLimits kLimits{
    .bytes = Manifest::kMaxBytes, .depth = 8, .values = 2000};

Error corrupt(Error error) {
  error.code = Code::kCorrupt;
  return error;
}

// Takes format and version out of the object.
Result<void> take_version(json& in) {
  if (!in.is_object()) return fail(Code::kCorrupt, "not an object");
  const auto format = in.find(kFormatKey);
  if (format == in.end() || *format != std::string(Manifest::kFormat))
    return fail(Code::kCorrupt, "format: not a manifest of a snapshot");
  in.erase(format);
  const auto version = in.find(kVersionKey);
  if (version == in.end() || !version->is_number_unsigned() || *version == 0)
    return fail(Code::kCorrupt, "version: missing, or no version");
  if (*version > Manifest::kVersion)
    return fail(Code::kUnsupported, "version: it has " + version->dump() +
                                        ", this program reads up to " +
                                        std::to_string(Manifest::kVersion) +
                                        ": upgrade it");
  in.erase(version);
  return {};
}

}  // namespace

const ManifestFile* Manifest::file(std::string_view name) const {
  const auto found = std::ranges::find(files, name, &ManifestFile::name);
  return found == files.end() ? nullptr : &*found;
}

std::vector<std::string> snapshot_file_names(const SnapshotRecord& record) {
  std::vector<std::string> out;
  for (const auto name : model::dump_files(record.config.hypervisor).names)
    if (!name.empty()) out.emplace_back(name);
  for (const Disk& disk : record.disks) out.push_back(disk.file);
  out.emplace_back(model::kKernel);
  if (record.has_initrd) out.emplace_back(model::kInitrd);
  std::ranges::sort(out);
  return out;
}

std::string encode(const Manifest& manifest) {
  json out = codec::write(manifest);
  out[kFormatKey] = std::string(Manifest::kFormat);
  out[kVersionKey] = Manifest::kVersion;
  return codec::to_bytes(out) + "\n";
}

Result<std::string> manifest_digest(std::string_view bytes) {
  CHRYSALIS_ASSIGN(const std::string hex, sha256_hex(bytes));
  return "sha256:" + hex;
}

Result<Manifest> decode_manifest(std::string_view bytes) {
  CHRYSALIS_ASSIGN(json in, parse_json(bytes, kLimits));
  CHRYSALIS_TRY(take_version(in));
  Manifest out;
  if (auto read = codec::read(in, out, Absent::kRefused); !read)
    return tl::unexpected<Error>(corrupt(std::move(read).error()));
  CHRYSALIS_TRY(check_manifest(out));
  return out;
}

Manifest manifest_of(const SnapshotRecord& record,
                     std::vector<ManifestFile> files) {
  Manifest out;
  out.config = record.config;
  out.topology = record.topology;
  out.disks = record.disks;
  out.cmdline = record.cmdline;
  out.has_initrd = record.has_initrd;
  if (record.config.hypervisor == model::Hypervisor::kFirecracker)
    out.cache_type = "Writeback";
  out.vmm = record.vmm;
  out.cpu_model = record.cpu_model;
  out.host_kernel = record.host_kernel;
  out.source_uid = record.source_uid;
  out.captured_at = record.captured_at;
  out.pause_ms = record.pause_ms;
  out.files = std::move(files);
  return out;
}

SnapshotRecord record_of(const Manifest& manifest) {
  SnapshotRecord out;
  out.config = manifest.config;
  out.topology = manifest.topology;
  out.disks = manifest.disks;
  out.cmdline = manifest.cmdline;
  out.has_initrd = manifest.has_initrd;
  out.vmm = manifest.vmm;
  out.cpu_model = manifest.cpu_model;
  out.host_kernel = manifest.host_kernel;
  out.source_uid = manifest.source_uid;
  out.captured_at = manifest.captured_at;
  out.pause_ms = manifest.pause_ms;
  const auto memory = model::dump_files(out.config.hypervisor).memory;
  for (const ManifestFile& file : manifest.files)
    if (file.name == memory) out.memory_bytes = file.data_bytes;
  for (const Disk& disk : out.disks)
    if (const ManifestFile* file = manifest.file(disk.file))
      out.disk_bytes += file->data_bytes;
  return out;
}

}  // namespace chrysalis::store
