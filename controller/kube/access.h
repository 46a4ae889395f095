#pragma once

// How to reach one API server, and as whom: what a kubeconfig context or a
// pod's service account comes to. Values; credentials.h reads the files.

#include <filesystem>
#include <string>

namespace chrysalis::kube {

// PEM text given inline, or a file that is read again from time to time.
struct PemSource {
  std::string data{};  // wins over `file`
  std::filesystem::path file{};
  [[nodiscard]] bool empty() const { return data.empty() && file.empty(); }
};

struct Access {
  std::string server{};  // "https://10.0.0.1:6443", "http://[::1]:80/prefix"
  PemSource ca{};        // the only trust; https without one does not connect
  std::string tls_server_name{};  // "": the server's host
  bool skip_tls_verify = false;

  PemSource client_certificate{};
  PemSource client_key{};
  std::string token{};
  std::filesystem::path token_file{};  // wins over `token`
  std::string username{};              // basic authentication
  std::string password{};

  std::string ns = "default";  // the context's namespace
};

}  // namespace chrysalis::kube
