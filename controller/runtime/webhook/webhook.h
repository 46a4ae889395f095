#pragma once

// The endpoint that API servers post AdmissionReviews to: /review.
// Errors and thread-safety: those of HttpsServer.

#include <memory>

#include "controller/runtime/webhook/https_server.h"

namespace chrysalis::runtime {

inline constexpr const char* kReviewPath = "/review";

Result<std::unique_ptr<HttpsServer>> start_webhook(
    const ListenAddress& address, TlsSource tls,
    const ServerLimits& limits = {});

}  // namespace chrysalis::runtime
