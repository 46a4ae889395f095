#pragma once

// AdmissionReviews as an API server of 1.36 posts them.

#include <string>

#include <nlohmann/json.hpp>

#include "controller/api/names.h"

namespace chrysalis::admission {

inline constexpr const char* kReviewUid =
    "705ab4f5-6393-11e8-b7cc-42010a800002";

inline nlohmann::json review_of(api::Kind kind, const std::string& operation,
                                nlohmann::json object,
                                nlohmann::json old = nullptr) {
  const auto names = api::names_of(kind);
  const nlohmann::json type = {{"group", std::string(api::kGroup)},
                               {"version", std::string(api::kVersion)},
                               {"kind", std::string(names.kind)}};
  const nlohmann::json resource = {{"group", std::string(api::kGroup)},
                                   {"version", std::string(api::kVersion)},
                                   {"resource", std::string(names.plural)}};
  const nlohmann::json& named = object.is_null() ? old : object;
  return {
      {"kind", "AdmissionReview"},
      {"apiVersion", "admission.k8s.io/v1"},
      {"request",
       {{"uid", kReviewUid},
        {"kind", type},
        {"resource", resource},
        {"requestKind", type},
        {"requestResource", resource},
        {"name", named["metadata"]["name"]},
        {"namespace", "default"},
        {"operation", operation},
        {"userInfo", {{"username", "admin"}, {"groups", {"system:masters"}}}},
        {"object", std::move(object)},
        {"oldObject", std::move(old)},
        {"dryRun", false},
        {"options",
         {{"kind", "CreateOptions"}, {"apiVersion", "meta.k8s.io/v1"}}}}}};
}

}  // namespace chrysalis::admission
