// One line of a watch, then what it carries by each kind's own projection:
// the reader without a tree and the one with a tree say the same.

#include <nlohmann/json.hpp>

#include "controller/api/objects/codec.h"
#include "controller/kube/decode.h"
#include "controller/kube/json_value.h"
#include "tests/fuzz/target.h"

using namespace chrysalis;

namespace {

template <class T>
void read(kube::PaddedJson object, Result<T> (*by_walk)(JsonValue&)) {
  kube::JsonReader reader;
  (void)reader.read(object, [&](JsonValue& value) -> Result<> {
    CHRYSALIS_ASSIGN([[maybe_unused]] const T read, by_walk(value));
    return {};
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const kube::PaddedCopy line(fuzz::text_of(data, size));
  kube::Decoder decoder({"chrysalis.dev/v1alpha1", "VirtualMachine"});
  if (const auto event = decoder.event(line.json());
      event && event->object.data != nullptr) {
    const kube::PaddedCopy object(event->object.text());
    read<api::VirtualMachine>(object.json(), api::decode_vm);
    read<api::VmSnapshot>(object.json(), api::decode_snapshot);
  }
  (void)decoder.page(line.json(), [](kube::ListItem&&) {});
  (void)decoder.object(line.json());
  (void)kube::decode_status(409, line.json().text());
  return 0;
}
