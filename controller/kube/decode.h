#pragma once

// Reading what an API server says, by projection: simdjson On-Demand walks the
// text once, keeps metadata and skips the rest; no DOM is built. simdjson is
// included by .cc files only.
//
// An object that does not fit its kind is *reported*, with its metadata, and
// the stream lives; only a broken frame (no JSON, no type, a foreign kind)
// is an error. Invalid UTF-8 makes an object undecodable, its name readable.
// Errors: kCorrupt, with the reason and, where known, the object's name.
// Thread-safety: a Decoder belongs to one thread (it reuses its buffers).

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/kube/api_status.h"
#include "controller/kube/line_splitter.h"
#include "controller/kube/watch_step.h"
#include "src/base/result.h"

namespace chrysalis::kube {

struct ObjectMeta {
  std::string api_version;  // "" in the items of some lists
  std::string kind;
  std::string ns;
  std::string name;
  std::string uid;
  std::string resource_version;
  int64_t generation = 0;
  std::string creation_timestamp;  // RFC 3339
  std::string deletion_timestamp;  // "" while not being deleted
  std::vector<std::string> finalizers;
  [[nodiscard]] std::string key() const { return ns + "/" + name; }
};

// What a collection may contain; a Table or anything else is refused loudly.
struct KindName {
  std::string api_version;  // "chrysalis.dev/v1alpha1"
  std::string kind;         // "VirtualMachine"
};

struct WatchEvent {
  EventType type = EventType::kAdded;
  ObjectMeta meta;                  // of a bookmark: resource_version only
  PaddedJson object;                // the object's text, inside the line
  bool initial_events_end = false;  // of a bookmark
  ApiStatus status;                 // of an ERROR
  std::string fault;  // not "": the metadata is right, the object is not
};

struct ListItem {
  ObjectMeta meta;
  PaddedJson object;
  std::string fault;
};

struct ListPage {
  std::string resource_version;
  std::string continue_token;
};

class Decoder {
 public:
  explicit Decoder(KindName expected);
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  // One line of a watch. The event's views live as long as the line.
  Result<WatchEvent> event(PaddedJson line);
  // A body of a list; `item` is called for each, in order, while decoding.
  Result<ListPage> page(PaddedJson body,
                        const std::function<void(ListItem&&)>& item);
  // One object (get, create, patch answers).
  Result<ObjectMeta> object(PaddedJson body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The Status in the body of a non-2xx answer. Total: a body that is no Status
// gives {code, message = the start of the body}.
[[nodiscard]] ApiStatus decode_status(int http_status, std::string_view body);

// A kind's own projection: its T from an object's text. kInvalid with the
// field's path when the object does not fit.
template <class T>
using Project = std::function<Result<T>(PaddedJson object)>;

}  // namespace chrysalis::kube
