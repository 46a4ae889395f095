#include "controller/runtime/webhook/webhook.h"

#include <utility>

#include "controller/admission/review/reviewer.h"

namespace chrysalis::runtime {
namespace {

HttpAnswer review(admission::Reviewer& reviewer, std::string& body) {
  const size_t size = body.size();
  body.append(kube::kJsonPadding, '\0');
  admission::Reviewed out = reviewer.review({body.data(), size});
  return {out.http_status, std::move(out.content_type), std::move(out.body)};
}

}  // namespace

Result<std::unique_ptr<HttpsServer>> start_webhook(const ListenAddress& address,
                                                   TlsSource tls,
                                                   const ServerLimits& limits) {
  // The server calls its routes from one thread, as the reviewer wants it.
  auto reviewer = std::make_shared<admission::Reviewer>();
  return HttpsServer::start(
      address, std::move(tls),
      {{kReviewPath, "application/json", admission::kMaxReviewBytes,
        [reviewer](std::string& body) { return review(*reviewer, body); }}},
      limits);
}

}  // namespace chrysalis::runtime
