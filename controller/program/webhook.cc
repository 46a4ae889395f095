#include "controller/program/webhook.h"

#include <cerrno>
#include <fstream>
#include <string>
#include <utility>

#include "controller/runtime/webhook/webhook.h"
#include "src/base/log.h"

namespace chrysalis::program {
namespace {

constexpr size_t kLargestPem = size_t{1} << 20;

tl::unexpected<Error> wrong(const std::string& flag, const Error& error) {
  return tl::unexpected(Error{error.code, "--" + flag + ": " + error.message});
}

Result<std::string> read_pem(const std::string& flag,
                             const std::filesystem::path& path) {
  if (path.empty())
    return wrong(flag, {Code::kInvalid,
                        "is missing: --webhook-listen needs a certificate and "
                        "its key, both PEM files"});
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kLargestPem + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (!file.eof() && text.size() <= kLargestPem)
    return wrong(flag, from_errno(errno, path.string()));
  if (text.size() > kLargestPem)
    return wrong(flag, {Code::kInvalid, path.string() + ": larger than 1 MiB"});
  return text;
}

Result<std::shared_ptr<runtime::ServerTls>> read_tls(
    const WebhookFlags& flags) {
  CHRYSALIS_ASSIGN(const std::string certificate,
                   read_pem("webhook-cert", flags.certificate));
  CHRYSALIS_ASSIGN(const std::string key, read_pem("webhook-key", flags.key));
  auto made = runtime::ServerTls::make(certificate, key);
  if (made) return made;
  const bool of_key = made.error().message.starts_with("key: ");
  return wrong(
      of_key ? "webhook-key" : "webhook-cert",
      {made.error().code, (of_key ? flags.key : flags.certificate).string() +
                              ": " + made.error().message});
}

}  // namespace

Result<std::unique_ptr<runtime::HttpsServer>> start_webhook(
    const WebhookFlags& flags) {
  if (flags.listen.empty()) {
    for (const auto& [flag, path] :
         {std::pair{"webhook-cert", &flags.certificate},
          {"webhook-key", &flags.key}})
      if (!path->empty())
        return wrong(flag,
                     {Code::kInvalid, "is given without --webhook-listen"});
    return nullptr;
  }
  const auto address = runtime::parse_listen_address(flags.listen);
  if (!address) return wrong("webhook-listen", address.error());
  CHRYSALIS_ASSIGN(std::shared_ptr<runtime::ServerTls> tls, read_tls(flags));
  auto server = runtime::start_webhook(*address, [tls] { return tls; });
  if (!server)
    return wrong(
        "webhook-listen",
        {server.error().code, flags.listen + ": " + server.error().message});
  log::info("webhook listens",
            {{"host", address->host}, {"port", (*server)->port()}});
  return server;
}

}  // namespace chrysalis::program
