#include "tests/kube/server_files.h"

namespace chrysalis::kube_tools {
namespace {

std::string kubeconfig(const std::string& url, const Certificates& certificates,
                       const std::string& user) {
  return "apiVersion: v1\n"
         "kind: Config\n"
         "clusters:\n"
         "- name: chrysalis-test\n"
         "  cluster:\n"
         "    server: " +
         url +
         "\n"
         "    certificate-authority-data: " +
         base64(certificates.ca) +
         "\n"
         "users:\n"
         "- name: admin\n"
         "  user:\n" +
         user +
         "contexts:\n"
         "- name: chrysalis-test\n"
         "  context: {cluster: chrysalis-test, user: admin, "
         "namespace: default}\n"
         "current-context: chrysalis-test\n";
}

}  // namespace

std::vector<std::string> ServerFiles::etcd_argv() const {
  const std::string socket = "unix://" + (dir / "etcd.sock").string();
  // etcd wants its advertised addresses to be host:port. A single member
  // never dials them.
  const std::string unused = "http://127.0.0.1:1";
  return {
      programs / "etcd",
      "--data-dir=" + (dir / "etcd").string(),
      "--listen-client-urls=" + socket,
      "--listen-peer-urls=unix://" + (dir / "peer.sock").string(),
      "--advertise-client-urls=" + unused,
      "--initial-advertise-peer-urls=" + unused,
      "--initial-cluster=default=" + unused,
      // The data ends with the process: speed counts, durability does not.
      "--unsafe-no-fsync",
      "--log-level=warn",
  };
}

std::vector<std::string> ServerFiles::api_server_argv() const {
  const auto file = [this](const char* name) { return (dir / name).string(); };
  return {
      programs / "kube-apiserver",
      "--etcd-servers=unix://" + file("etcd.sock"),
      "--bind-address=127.0.0.1",
      "--secure-port=" + std::to_string(port),
      // No kubelet and no proxy will ever look for this server's endpoints.
      "--advertise-address=127.0.0.1",
      "--endpoint-reconciler-type=none",
      "--service-cluster-ip-range=10.0.0.0/24",
      "--client-ca-file=" + file("ca.crt"),
      "--tls-cert-file=" + file("server.crt"),
      "--tls-private-key-file=" + file("server.key"),
      "--token-auth-file=" + file("tokens.csv"),
      "--service-account-issuer=https://kubernetes.default.svc",
      "--service-account-key-file=" + file("service-account.pub"),
      "--service-account-signing-key-file=" + file("service-account.key"),
      "--authorization-mode=RBAC",
      // Would refuse pods until a controller manager made their account.
      "--disable-admission-plugins=ServiceAccount",
      "--audit-policy-file=" + file("audit-policy.yaml"),
      "--audit-log-path=" + file("audit.log"),
      "--audit-log-mode=blocking",
      "--allow-privileged=true",
  };
}

std::string client_cert_kubeconfig(const std::string& url,
                                   const Certificates& certificates) {
  return kubeconfig(
      url, certificates,
      "    client-certificate-data: " + base64(certificates.client) +
          "\n    client-key-data: " + base64(certificates.client_key) + "\n");
}

std::string token_kubeconfig(const std::string& url,
                             const Certificates& certificates,
                             const std::string& token) {
  return kubeconfig(url, certificates, "    token: " + token + "\n");
}

std::string audit_policy() {
  return R"(apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [ResponseStarted]
rules:
- level: Metadata
  resources:
  - group: chrysalis.dev
  - group: events.k8s.io
  - group: coordination.k8s.io
  - group: ""
    resources: [events]
- level: None
)";
}

}  // namespace chrysalis::kube_tools
