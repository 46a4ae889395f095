#include "controller/kube/decode.h"

#include <simdjson.h>

#include <utility>

namespace chrysalis::kube {
namespace {

namespace od = simdjson::ondemand;

constexpr size_t kMessageBytesMax = 512;  // of a body that is no Status

std::string_view why(simdjson::error_code error) {
  return simdjson::error_message(error);
}

tl::unexpected<Error> corrupt(std::string_view what,
                              simdjson::error_code error) {
  return fail(Code::kCorrupt,
              std::string(what) + ": " + std::string(why(error)));
}

// Reads a string member; anything else (null, a number) leaves `out` alone.
void read(od::value value, std::string& out) {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) out = text;
}

void read_strings(od::value value, std::vector<std::string>& out) {
  od::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) return;
  for (auto element : array) {
    std::string_view text;
    if (element.get_string().get(text) != simdjson::SUCCESS) return;
    out.emplace_back(text);
  }
}

// True when `annotations` carries the end mark of a WatchList.
bool has_end_mark(od::value value) {
  od::object annotations;
  if (value.get_object().get(annotations) != simdjson::SUCCESS) return false;
  std::string_view text;
  return annotations.find_field_unordered("k8s.io/initial-events-end")
                 .get_string()
                 .get(text) == simdjson::SUCCESS &&
         text == "true";
}

// One pass over `metadata`; members that we do not keep are skipped. A member
// that occurs twice: the last one counts, as for the server.
simdjson::error_code read_metadata(od::value value, ObjectMeta& meta,
                                   bool& end_mark) {
  od::object object;
  if (auto e = value.get_object().get(object)) return e;
  for (auto field : object) {
    std::string_view key;
    if (auto e = field.unescaped_key().get(key)) return e;
    od::value member;
    if (auto e = field.value().get(member)) return e;
    if (key == "name") {
      read(member, meta.name);
    } else if (key == "namespace") {
      read(member, meta.ns);
    } else if (key == "uid") {
      read(member, meta.uid);
    } else if (key == "resourceVersion") {
      read(member, meta.resource_version);
    } else if (key == "generation") {
      int64_t number = 0;
      if (member.get_int64().get(number) == simdjson::SUCCESS)
        meta.generation = number;
    } else if (key == "creationTimestamp") {
      read(member, meta.creation_timestamp);
    } else if (key == "deletionTimestamp") {
      read(member, meta.deletion_timestamp);
    } else if (key == "finalizers") {
      meta.finalizers.clear();
      read_strings(member, meta.finalizers);
    } else if (key == "annotations") {
      end_mark = has_end_mark(member);
    }
  }
  return simdjson::SUCCESS;
}

simdjson::error_code read_object(od::object& object, ObjectMeta& meta,
                                 bool& end_mark) {
  for (auto field : object) {
    std::string_view key;
    if (auto e = field.unescaped_key().get(key)) return e;
    od::value member;
    if (auto e = field.value().get(member)) return e;
    if (key == "apiVersion") {
      read(member, meta.api_version);
    } else if (key == "kind") {
      read(member, meta.kind);
    } else if (key == "metadata") {
      if (auto e = read_metadata(member, meta, end_mark)) return e;
    }
  }
  return simdjson::SUCCESS;
}

void read_causes(od::value value, std::vector<StatusCause>& causes) {
  od::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) return;
  for (auto element : array) {
    od::object object;
    if (element.get_object().get(object) != simdjson::SUCCESS) return;
    StatusCause cause;
    for (auto field : object) {
      std::string_view key;
      od::value member;
      if (field.unescaped_key().get(key) || field.value().get(member)) return;
      if (key == "reason") read(member, cause.reason);
      if (key == "field") read(member, cause.field);
      if (key == "message") read(member, cause.message);
    }
    causes.push_back(std::move(cause));
  }
}

void read_details(od::value value, ApiStatus& status) {
  od::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return;
  for (auto field : object) {
    std::string_view key;
    od::value member;
    if (field.unescaped_key().get(key) || field.value().get(member)) return;
    int64_t number = 0;
    if (key == "causes") read_causes(member, status.causes);
    if (key == "retryAfterSeconds" &&
        member.get_int64().get(number) == simdjson::SUCCESS && number > 0)
      status.retry_after = seconds(number);
  }
}

// False when the object is no Status.
bool read_status(od::object& object, ApiStatus& status) {
  std::string kind;
  for (auto field : object) {
    std::string_view key;
    od::value member;
    if (field.unescaped_key().get(key) || field.value().get(member))
      return false;
    int64_t number = 0;
    if (key == "kind") read(member, kind);
    if (key == "message") read(member, status.message);
    if (key == "reason") read(member, status.reason);
    if (key == "details") read_details(member, status);
    if (key == "code" && member.get_int64().get(number) == simdjson::SUCCESS)
      status.code = static_cast<int>(number);
  }
  return kind == "Status";
}

std::optional<EventType> parse_type(std::string_view text) {
  if (text == "ADDED") return EventType::kAdded;
  if (text == "MODIFIED") return EventType::kModified;
  if (text == "DELETED") return EventType::kDeleted;
  if (text == "BOOKMARK") return EventType::kBookmark;
  if (text == "ERROR") return EventType::kError;
  return std::nullopt;
}

PaddedJson padded(std::string_view inside) {
  while (!inside.empty() && (inside.back() == ' ' || inside.back() == '\n'))
    inside.remove_suffix(1);
  return {inside.data(), inside.size()};
}

// Bytes beyond ASCII become '?', so that a text with invalid UTF-8 can still
// be asked for its metadata (names are ASCII by the server's rules).
PaddedCopy without_bytes_beyond_ascii(PaddedJson json) {
  std::string copy(json.text());
  for (char& c : copy)
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  return PaddedCopy(copy);
}

}  // namespace

struct Decoder::Impl {
  KindName expected;
  od::parser parser;

  simdjson::simdjson_result<od::document> iterate(PaddedJson json) {
    return parser.iterate(json.data, json.size, json.size + kJsonPadding);
  }

  [[nodiscard]] bool is_expected(const ObjectMeta& meta) const {
    const bool kind = meta.kind.empty() || meta.kind == expected.kind;
    const bool version =
        meta.api_version.empty() || meta.api_version == expected.api_version;
    return kind && version;
  }

  Result<WatchEvent> event(PaddedJson line) {
    WatchEvent out;
    od::document document;
    if (auto e = iterate(line).get(document)) return corrupt("event", e);
    od::object frame;
    if (auto e = document.get_object().get(frame)) return corrupt("event", e);
    std::string_view type;
    if (auto e = frame["type"].get_string().get(type))
      return corrupt("event type", e);
    const auto known = parse_type(type);
    if (!known)
      return fail(Code::kCorrupt,
                  "unknown event type \"" + std::string(type) + "\"");
    out.type = *known;
    od::object object;
    if (auto e = frame["object"].get_object().get(object))
      return corrupt("event object", e);
    std::string_view raw;
    if (auto e = object.raw_json().get(raw)) return corrupt("event object", e);
    out.object = padded(raw);
    if (auto e = object.reset().error()) return corrupt("event object", e);
    if (out.type == EventType::kError) {
      if (!read_status(object, out.status))
        return fail(Code::kCorrupt, "ERROR event without a Status");
      return out;
    }
    if (auto e = read_object(object, out.meta, out.initial_events_end))
      return corrupt("event object", e);
    return out;
  }

  Result<WatchEvent> checked(Result<WatchEvent> event) const {
    if (!event || event->type == EventType::kError) return event;
    if (!is_expected(event->meta))
      return fail(Code::kCorrupt, "expected a " + expected.kind + ", got " +
                                      event->meta.api_version + " " +
                                      event->meta.kind);
    if (event->type != EventType::kBookmark && event->meta.name.empty())
      event->fault = "object without a name";
    return event;
  }

  Result<ListPage> page(PaddedJson body,
                        const std::function<void(ListItem&&)>& item) {
    od::document document;
    if (auto e = iterate(body).get(document)) return corrupt("list", e);
    od::object list;
    if (auto e = document.get_object().get(list)) return corrupt("list", e);
    ListPage out;
    std::string kind;
    for (auto field : list) {
      std::string_view key;
      od::value member;
      if (auto e = field.unescaped_key().get(key)) return corrupt("list", e);
      if (auto e = field.value().get(member)) return corrupt("list", e);
      if (key == "kind") read(member, kind);
      if (key == "metadata") read_list_metadata(member, out);
      if (key == "items") CHRYSALIS_TRY(items(member, item));
    }
    if (kind != expected.kind + "List")
      return fail(Code::kCorrupt,
                  "expected a " + expected.kind + "List, got \"" + kind + "\"");
    return out;
  }

  static void read_list_metadata(od::value value, ListPage& out) {
    od::object object;
    if (value.get_object().get(object)) return;
    for (auto field : object) {
      std::string_view key;
      od::value member;
      if (field.unescaped_key().get(key) || field.value().get(member)) return;
      if (key == "resourceVersion") read(member, out.resource_version);
      if (key == "continue") read(member, out.continue_token);
    }
  }

  Result<void> items(od::value value,
                     const std::function<void(ListItem&&)>& item) const {
    if (value.is_null()) return {};  // Go writes an empty slice so
    od::array array;
    if (auto e = value.get_array().get(array)) return corrupt("items", e);
    for (auto element : array) {
      od::object object;
      if (auto e = element.get_object().get(object)) return corrupt("item", e);
      std::string_view raw;
      if (auto e = object.raw_json().get(raw)) return corrupt("item", e);
      if (auto e = object.reset().error()) return corrupt("item", e);
      ListItem out;
      bool end_mark = false;
      if (auto e = read_object(object, out.meta, end_mark))
        return corrupt("item", e);
      out.object = padded(raw);
      if (!is_expected(out.meta))
        return fail(Code::kCorrupt, "list of " + expected.kind +
                                        " contains a " + out.meta.kind);
      if (out.meta.name.empty()) out.fault = "object without a name";
      item(std::move(out));
    }
    return {};
  }
};

Decoder::Decoder(KindName expected) : impl_(std::make_unique<Impl>()) {
  impl_->expected = std::move(expected);
}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

Result<WatchEvent> Decoder::event(PaddedJson line) {
  if (simdjson::validate_utf8(line.data, line.size))
    return impl_->checked(impl_->event(line));
  const PaddedCopy copy = without_bytes_beyond_ascii(line);
  auto event = impl_->checked(impl_->event(copy.json()));
  if (!event) return event;
  event->object = {};  // the copy dies here, and nobody may project it
  event->fault = "invalid UTF-8";
  return event;
}

Result<ListPage> Decoder::page(PaddedJson body,
                               const std::function<void(ListItem&&)>& item) {
  if (simdjson::validate_utf8(body.data, body.size))
    return impl_->page(body, item);
  // Which of the items is the bad one is not known: none may be projected.
  const PaddedCopy copy = without_bytes_beyond_ascii(body);
  return impl_->page(copy.json(), [&](ListItem&& one) {
    const bool clean = one.object.text().find('?') == std::string_view::npos;
    if (!clean) one.fault = "invalid UTF-8";
    item(std::move(one));
  });
}

Result<ObjectMeta> Decoder::object(PaddedJson body) {
  od::document document;
  if (auto e = impl_->iterate(body).get(document)) return corrupt("object", e);
  od::object object;
  if (auto e = document.get_object().get(object)) return corrupt("object", e);
  ObjectMeta meta;
  bool end_mark = false;
  if (auto e = read_object(object, meta, end_mark)) return corrupt("object", e);
  if (!impl_->is_expected(meta))
    return fail(Code::kCorrupt,
                "expected a " + impl_->expected.kind + ", got " + meta.kind);
  return meta;
}

ApiStatus decode_status(int http_status, std::string_view body) {
  ApiStatus status;
  const PaddedCopy copy(body);
  const PaddedJson json = copy.json();
  od::parser parser;
  od::document document;
  od::object object;
  const bool is_status =
      !parser.iterate(json.data, json.size, json.size + kJsonPadding)
           .get(document) &&
      !document.get_object().get(object) && read_status(object, status);
  if (!is_status) {
    status = {};
    status.message = std::string(body.substr(0, kMessageBytesMax));
  }
  status.code = http_status;  // the line that came with it is what counts
  return status;
}

}  // namespace chrysalis::kube
