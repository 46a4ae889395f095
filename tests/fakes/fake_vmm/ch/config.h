#pragma once

// Cloud Hypervisor's configuration bodies as its deserializer takes them:
// unknown fields are ignored, absent ones get their default (null when
// optional), a wrong type is an error. Pure.

#include <optional>
#include <string>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

namespace chrysalis::fake_vmm::ch {

using Parsed = tl::expected<nlohmann::json, std::string>;

Parsed parse_vm_config(const std::string& text);
Parsed parse_net_config(const std::string& text);
Parsed parse_restore_config(const std::string& text);
// {"id": ...} of remove-device, {"destination_url": ...} of snapshot.
Parsed parse_one_string(const std::string& text, const std::string& field);

// The first rule a configuration breaks, in Cloud Hypervisor's words; applied
// at boot, restore and hot-plug, never at vm.create.
std::optional<std::string> validate(const nlohmann::json& config);

// As Cloud Hypervisor prints it: absent options are left out.
nlohmann::json without_nulls(const nlohmann::json& value);

// Takes the device out of the lists; false when it is in none.
bool remove_device(nlohmann::json& config, const std::string& id);

}  // namespace chrysalis::fake_vmm::ch
