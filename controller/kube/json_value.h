#pragma once

// A server's text as a JsonValue: simdjson walks it once, what the decoder
// does not ask for is skipped and no tree is built.
// Errors: kCorrupt for what is no JSON object; else what `read` returned.
// Thread-safety: a JsonReader belongs to one thread (it reuses its buffers).

#include <memory>

#include "controller/kube/line_splitter.h"
#include "src/base/json_value.h"
#include "src/base/result.h"

namespace chrysalis::kube {

class JsonReader {
 public:
  JsonReader();
  ~JsonReader();
  JsonReader(JsonReader&&) noexcept;
  JsonReader& operator=(JsonReader&&) noexcept;

  // Calls `read` once, with the whole; texts live until the next call.
  Result<> read(PaddedJson json, FunctionRef<Result<>(JsonValue&)> read);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chrysalis::kube
