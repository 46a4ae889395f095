#include "tests/fakes/fake_vmm/fc/state.h"

#include <cstring>

#include "tests/fakes/fake_vmm/dialect.h"

namespace chrysalis::fake_vmm::fc {
namespace {

using nlohmann::json;

constexpr std::string_view kMagic = "FAKEFCST";
constexpr size_t kLimit = 10'000'000;

uint64_t crc64(std::string_view bytes) {
  uint64_t crc = 0;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x95ac9329ac4bc9b5ULL : 0ULL);
    }
  }
  return crc;
}

tl::unexpected<std::string> serde(const std::string& why) {
  return tl::unexpected<std::string>(
      "An error occurred when deserializing the json body of a request: " +
      why + ".");
}

bool fits(const json& value, char type) {
  switch (type) {
    case 'b':
      return value.is_boolean();
    case 'n':
      return value.is_number_unsigned();
    case 's':
    case 'm':
      return value.is_string();
    default:
      return true;
  }
}

const char* expected(char type) {
  switch (type) {
    case 'b':
      return "a boolean";
    case 'n':
      return "an unsigned integer";
    default:
      return "a string";
  }
}

std::string known(const std::vector<Field>& fields) {
  std::string list;
  for (const Field& field : fields) {
    list += (list.empty() ? "`" : ", `") + std::string(field.name) + "`";
  }
  return list;
}

}  // namespace

Text<json> parse_body(const std::string& body,
                      const std::vector<Field>& fields) {
  json in = json::parse(body, nullptr, false);
  const std::string where = " at line 1 column " + std::to_string(body.size());
  if (in.is_discarded()) return serde("expected value at line 1 column 1");
  if (!in.is_object()) return serde("invalid type" + where);
  for (const auto& [name, value] : in.items()) {
    const Field* found = nullptr;
    for (const Field& field : fields) {
      if (field.name == name) found = &field;
    }
    if (found == nullptr) {
      return serde("unknown field `" + name + "`, expected one of " +
                   known(fields) + where);
    }
    if (value.is_null() && !found->required) continue;
    if (!fits(value, found->type)) {
      return serde(
          "invalid type: " + std::string(value.is_string() ? "string " : "") +
          value.dump() + ", expected " + expected(found->type) + where);
    }
  }
  for (const Field& field : fields) {
    if (field.required && !in.contains(std::string(field.name))) {
      return serde("missing field `" + std::string(field.name) + "`" + where);
    }
  }
  return in;
}

std::string encode_state(const json& machine) {
  std::string bytes = std::string(kMagic) +
                      std::string(kFirecrackerSnapshotVersion) + "\n" +
                      machine.dump();
  const uint64_t crc = crc64(bytes);
  bytes.append(reinterpret_cast<const char*>(&crc), sizeof crc);
  return bytes;
}

Text<json> decode_state(const std::string& bytes) {
  if (bytes.size() > kLimit) {
    return tl::unexpected<std::string>(
        "Snapshot size exceeds limit of 10000000 bytes");
  }
  if (bytes.size() < 8) {
    return tl::unexpected<std::string>(
        "IO Error: File too short to contain CRC");
  }
  // The real format is decoded before its checksum is looked at, so most
  // damage is told as a decoding error; so here.
  const std::string body = bytes.substr(0, bytes.size() - 8);
  const std::string head =
      std::string(kMagic) + std::string(kFirecrackerSnapshotVersion) + "\n";
  json machine;
  if (body.starts_with(head)) {
    machine = json::parse(body.substr(head.size()), nullptr, false);
  }
  if (!machine.is_object()) {
    return tl::unexpected<std::string>(
        "An error occurred during bitcode serialization: bitcode error");
  }
  uint64_t crc = 0;
  std::memcpy(&crc, bytes.data() + body.size(), sizeof crc);
  if (crc != crc64(body)) {
    return tl::unexpected<std::string>("CRC64 validation failed");
  }
  return machine;
}

}  // namespace chrysalis::fake_vmm::fc
