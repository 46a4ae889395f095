// What a review costs: the webhook's server in this process, one client on one
// TLS connection that asks again once it was answered. A review is an update
// of a running VM as an API server sends it, 20 kB with both objects.

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/kube/beast/beast_transport.h"
#include "controller/runtime/webhook/webhook.h"
#include "tests/bench/drive/stopwatch.h"
#include "tests/bench/micro/realistic.h"
#include "tests/bench/rows.h"
#include "tests/kube/certificates.h"

namespace chrysalis::bench {
namespace {

using nlohmann::json;

constexpr size_t kReviewBytes = 20'000;
constexpr int kWarmUp = 500;
constexpr int kReviews = 10'000;
constexpr milliseconds kPatience{10'000};

double thread_cpu_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 +
         static_cast<double>(now.tv_nsec) / 1e6;
}

// Of another manager's fields, as many as it takes.
std::string review() {
  const json old = running_vm(1);
  json object = old;
  object["spec"]["powerState"] = "Paused";
  const json kind = {{"group", "chrysalis.dev"},
                     {"version", "v1alpha1"},
                     {"kind", "VirtualMachine"}};
  json out = {{"kind", "AdmissionReview"},
              {"apiVersion", "admission.k8s.io/v1"},
              {"request",
               {{"uid", "705ab4f5-6393-11e8-b7cc-42010a800002"},
                {"kind", kind},
                {"requestKind", kind},
                {"name", object["metadata"]["name"]},
                {"namespace", object["metadata"]["namespace"]},
                {"operation", "UPDATE"},
                {"userInfo", {{"username", "admin"}}},
                {"object", object},
                {"oldObject", old}}}};
  for (int n = 0; out.dump().size() < kReviewBytes; ++n) {
    json fields = object["metadata"]["managedFields"][0];
    fields["manager"] = "another-" + std::to_string(n);
    for (const char* which : {"object", "oldObject"})
      out["request"][which]["metadata"]["managedFields"].push_back(fields);
  }
  return out.dump();
}

Result<Rows> measure() {
  const SystemClock clock;
  CHRYSALIS_ASSIGN(const auto certificates, kube_tools::make_certificates());
  CHRYSALIS_ASSIGN(
      const std::shared_ptr<runtime::ServerTls> tls,
      runtime::ServerTls::make(certificates.server, certificates.server_key));
  CHRYSALIS_ASSIGN(
      const auto server,
      runtime::start_webhook({"127.0.0.1", 0}, [tls] { return tls; }));
  kube::Access access;
  access.server = "https://127.0.0.1:" + std::to_string(server->port());
  access.ca.data = certificates.ca;
  CHRYSALIS_ASSIGN(const auto client,
                   kube::beast::BeastTransport::make(access, clock));
  const kube::Request request{.method = kube::Method::kPost,
                              .target = "/review?timeout=10s",
                              .content_type = "application/json",
                              .body = review()};
  std::vector<double> us;
  double all = 0, mine = 0;
  for (int n = -kWarmUp; n < kReviews; ++n) {
    if (n == 0) {
      all = cpu_ms();
      mine = thread_cpu_ms();
    }
    const Stopwatch watch;
    CHRYSALIS_ASSIGN(const auto got,
                     client->send(request, clock.mono() + kPatience, {}));
    if (n >= 0) us.push_back(watch.ms() * 1000);
    if (got.status != 200 ||
        got.body.find("\"allowed\":true") == std::string::npos)
      return fail(Code::kInvalid, "answered " + got.body);
  }
  all = cpu_ms() - all;
  mine = thread_cpu_ms() - mine;
  Rows rows;
  const std::string how = "TLS 1.3, keep-alive, loopback, " +
                          std::to_string(request.body.size()) +
                          " bytes, server and client in one process";
  rows.add_quantiles("webhook", "webhook, a review of 20 kB", us, "us", how);
  rows.add({.id = "webhook.cpu",
            .what = "webhook, CPU a review",
            .value = (all - mine) / kReviews * 1000,
            .unit = "us",
            .how = how + "; all threads but the client's; n=" +
                   std::to_string(kReviews)});
  return rows;
}

int run(const std::string& out) {
  const auto rows = measure();
  if (!rows) {
    std::cerr << "bench_webhook: " << rows.error().message << "\n";
    return 1;
  }
  return rows->write(out) ? 0 : 1;
}

}  // namespace
}  // namespace chrysalis::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: bench_webhook OUT.json\n";
    return 2;
  }
  return chrysalis::bench::run(argv[1]);
}
