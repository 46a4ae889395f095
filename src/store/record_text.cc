#include "src/store/record_text.h"

#include "src/base/bounded_json.h"
#include "src/store/paths.h"
#include "src/store/record_shapes.h"

namespace chrysalis::store {
namespace {

constexpr JsonLimits kLimits{
    .bytes = size_t{256} << 10, .depth = 8, .values = 4000};

// Indented: it is read by people too.
template <class T>
std::string write_text(const T& record) {
  return codec::write(record).dump(1, ' ', false,
                                   nlohmann::json::error_handler_t::replace) +
         "\n";
}

template <class T>
Result<T> read_text(std::string_view text) {
  CHRYSALIS_ASSIGN(const nlohmann::json in, parse_json(text, kLimits));
  T out;
  if (auto read = codec::read(in, out, Absent::kDefault); !read)
    return fail(Code::kCorrupt, std::move(read).error().message);
  // It is about to name a directory.
  if (!StatePaths::valid_uid(out.uid))
    return fail(Code::kCorrupt, "uid: not a uid");
  return out;
}

}  // namespace

std::string to_text(const VmRecord& record) { return write_text(record); }
std::string to_text(const SnapshotRecord& record) { return write_text(record); }

Result<VmRecord> vm_record_from_text(std::string_view text) {
  return read_text<VmRecord>(text);
}
Result<SnapshotRecord> snapshot_record_from_text(std::string_view text) {
  return read_text<SnapshotRecord>(text);
}

}  // namespace chrysalis::store
