#include "controller/runtime/cluster/projection.h"

#include "controller/api/objects/codec.h"

namespace chrysalis::runtime {
namespace {

template <class T, class Decode>
Result<T> read(kube::JsonReader& reader, kube::PaddedJson text, Decode decode) {
  T out;
  CHRYSALIS_TRY(reader.read(text, [&](JsonValue& object) -> Result<> {
    CHRYSALIS_ASSIGN(out, decode(object));
    return {};
  }));
  return out;
}

}  // namespace

template <>
Result<api::VirtualMachine> project(kube::JsonReader& reader,
                                    kube::PaddedJson text) {
  return read<api::VirtualMachine>(
      reader, text, [](JsonValue& object) { return api::decode_vm(object); });
}

template <>
Result<api::VmSnapshot> project(kube::JsonReader& reader,
                                kube::PaddedJson text) {
  return read<api::VmSnapshot>(reader, text, [](JsonValue& object) {
    return api::decode_snapshot(object);
  });
}

}  // namespace chrysalis::runtime
