#pragma once

// The webhook of a controller, from its flags. Every replica has one, whoever
// holds the lease. Registration and rotation are not done here: the server
// asks for its certificate at each connection, and gets the one it began with.
// Errors: kInvalid, kUnavailable - with the flag that is to be changed.

#include <memory>

#include "controller/program/options.h"
#include "controller/runtime/webhook/https_server.h"
#include "src/base/result.h"

namespace chrysalis::program {

// null: it is not asked for.
Result<std::unique_ptr<runtime::HttpsServer>> start_webhook(
    const WebhookFlags& flags);

}  // namespace chrysalis::program
