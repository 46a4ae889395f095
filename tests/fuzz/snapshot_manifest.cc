// manifest.json of a snapshot, which an import brings along.

#include "src/store/manifest.h"
#include "tests/fuzz/target.h"

using namespace chrysalis;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto read = store::decode_manifest(fuzz::text_of(data, size));
  if (!read) return 0;
  const auto again = store::decode_manifest(store::encode(*read));
  fuzz::expect(again && *again == *read);
  return 0;
}
