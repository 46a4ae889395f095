// vm.json of a generation: the database can be made anew of it.

#include "src/store/record_text.h"
#include "tests/fuzz/target.h"

using namespace chrysalis;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  if (const auto vm = store::vm_record_from_text(text)) {
    const auto again = store::vm_record_from_text(store::to_text(*vm));
    fuzz::expect(again && *again == *vm);
  }
  if (const auto snapshot = store::snapshot_record_from_text(text)) {
    const auto again =
        store::snapshot_record_from_text(store::to_text(*snapshot));
    fuzz::expect(again && *again == *snapshot);
  }
  return 0;
}
