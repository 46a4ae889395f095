#include "controller/runtime/directory/control_protocol.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <nlohmann/json.hpp>

namespace chrysalis::runtime::directory {
namespace {

using nlohmann::json;

constexpr size_t kLongestMessage = 1024;
constexpr std::array kCodes = {
    Code::kInvalid, Code::kNotFound, Code::kConflict,   Code::kUnavailable,
    Code::kTimeout, Code::kCorrupt,  Code::kUnsupported};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return out;
}

std::string line_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<json> object_in(std::string_view line) {
  if (line.size() > kControlLineMax) return fail(Code::kInvalid, "too long");
  json value = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) return fail(Code::kInvalid, "no JSON object");
  return value;
}

Result<std::string> text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  const auto* text =
      found == object.end() ? nullptr : found->get_ptr<const std::string*>();
  if (text == nullptr)
    return fail(Code::kInvalid, std::string(key) + ": must be a string");
  return *text;
}

}  // namespace

Result<api::Kind> kind_of(std::string_view typed) {
  const std::string wanted = lower(typed);
  for (const api::Kind kind : api::kKinds) {
    const auto names = api::names_of(kind);
    if (wanted == lower(names.kind) || wanted == names.plural ||
        wanted == names.singular || wanted == names.short_name)
      return kind;
  }
  return fail(
      Code::kInvalid,
      "no kind \"" + std::string(typed.substr(0, 80)) +
          "\"; there are VirtualMachine (cvm) and VMSnapshot (cvmsnap)");
}

std::string encode(const DeleteRequest& request) {
  return line_of({{"verb", "delete"},
                  {"kind", std::string(api::names_of(request.id.kind).kind)},
                  {"namespace", request.id.ns},
                  {"name", request.id.name},
                  {"waitMilliseconds", request.wait.count()}});
}

Result<DeleteRequest> decode_request(std::string_view line) {
  CHRYSALIS_ASSIGN(const json object, object_in(line));
  CHRYSALIS_ASSIGN(const std::string verb, text_of(object, "verb"));
  if (verb != "delete")
    return fail(Code::kInvalid, "verb: there is \"delete\" only");
  DeleteRequest request;
  CHRYSALIS_ASSIGN(const std::string kind, text_of(object, "kind"));
  CHRYSALIS_ASSIGN(request.id.kind, kind_of(kind));
  CHRYSALIS_ASSIGN(request.id.ns, text_of(object, "namespace"));
  CHRYSALIS_ASSIGN(request.id.name, text_of(object, "name"));
  const auto wait = object.find("waitMilliseconds");
  if (wait == object.end()) return request;
  if (!wait->is_number_unsigned() ||
      wait->get<uint64_t>() > uint64_t(kControlWaitMax.count()))
    return fail(Code::kInvalid, "waitMilliseconds: must be 0 to " +
                                    std::to_string(kControlWaitMax.count()));
  request.wait = milliseconds(wait->get<int64_t>());
  return request;
}

std::string encode_answer(const Result<std::string>& answer) {
  if (answer) return line_of({{"ok", true}, {"message", *answer}});
  return line_of(
      {{"ok", false},
       {"code", std::string(to_string(answer.error().code))},
       {"message", answer.error().message.substr(0, kLongestMessage)}});
}

Result<std::string> decode_answer(std::string_view line) {
  CHRYSALIS_ASSIGN(const json object, object_in(line));
  CHRYSALIS_ASSIGN(std::string message, text_of(object, "message"));
  if (object.value("ok", json(false)) == true) return message;
  CHRYSALIS_ASSIGN(const std::string code, text_of(object, "code"));
  for (const Code known : kCodes)
    if (to_string(known) == code) return fail(known, std::move(message));
  return fail(Code::kUnavailable, std::move(message));
}

}  // namespace chrysalis::runtime::directory
