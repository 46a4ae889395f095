#pragma once

// What comes back from where a status was written: one that is not said twice
// the same way would be written for ever, and every reason must be of the list.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/api/objects/codec.h"
#include "controller/api/objects/reasons.h"

namespace chrysalis::reconcile {

// decode: of the kind of `written`, which holds the status.
template <class Object, class Decode>
typename Object::Status stored_and_read(const Object& written, Decode decode) {
  const auto read = decode(api::encode(written));
  if (!read) {
    ADD_FAILURE() << read.error().message;
    return written.status;
  }
  EXPECT_EQ(read->status, written.status);
  for (const api::Condition& condition : written.status.conditions)
    EXPECT_TRUE(api::is_reason(condition.reason)) << condition.reason;
  return read->status;
}

}  // namespace chrysalis::reconcile
