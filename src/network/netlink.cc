#include "src/network/netlink.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/veth.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>

namespace chrysalis::network {
namespace {

constexpr uint32_t kIngressHandle = 0xffff0000;
constexpr uint32_t kRuleHandle = 0x80000001;  // u32's 800::1, always the same
constexpr uint32_t kRulePriority = 1;

// A request that grows by attributes; offsets, so that growing is safe.
class Message {
 public:
  template <class Header>
  Message(uint16_t type, int flags, const Header& header)
      : bytes_(NLMSG_LENGTH(0), '\0'), type_(type), flags_(flags) {
    append(&header, sizeof header);
  }
  void append(const void* data, size_t size) {
    bytes_.append(static_cast<const char*>(data), size);
    bytes_.resize((bytes_.size() + 3) & ~size_t{3});
  }
  void put(int type, const void* data, size_t size) {
    rtattr head{};
    head.rta_len = static_cast<uint16_t>(RTA_LENGTH(size));
    head.rta_type = static_cast<uint16_t>(type);
    append(&head, sizeof head);
    append(data, size);
  }
  void put(int type, const std::string& text) {
    put(type, text.c_str(), text.size() + 1);
  }
  void put(int type, uint32_t value) { put(type, &value, sizeof value); }
  [[nodiscard]] size_t begin(int type) {
    const size_t at = bytes_.size();
    put(type, nullptr, 0);
    return at;
  }
  void end(size_t at) {
    const auto size = static_cast<uint16_t>(bytes_.size() - at);
    std::memcpy(bytes_.data() + at, &size, sizeof size);
  }
  [[nodiscard]] const std::string& finish() {
    nlmsghdr head{};
    head.nlmsg_len = static_cast<uint32_t>(bytes_.size());
    head.nlmsg_type = type_;
    head.nlmsg_flags =
        static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags_);
    std::memcpy(bytes_.data(), &head, sizeof head);
    return bytes_;
  }

 private:
  std::string bytes_;
  uint16_t type_;
  int flags_;
};

Error failure(int error, const std::string& what) {
  Error out = from_errno(error, what);
  if (error == ENODEV) out.code = Code::kNotFound;
  if (error == EPERM || error == EOPNOTSUPP) out.code = Code::kUnsupported;
  return out;
}

Result<void> exchange(int fd, Message message, const std::string& what) {
  const std::string& bytes = message.finish();
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::sendto(fd, bytes.data(), bytes.size(), 0,
               reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel) < 0)
    return tl::unexpected(failure(errno, what));
  alignas(nlmsghdr) char answer[8192];
  const ssize_t n = ::recv(fd, answer, sizeof answer, 0);
  if (n < 0)
    return tl::unexpected(failure(errno == EAGAIN ? ETIMEDOUT : errno, what));
  nlmsghdr head{};
  nlmsgerr error{};
  if (static_cast<size_t>(n) < NLMSG_LENGTH(sizeof error))
    return fail(Code::kUnavailable, what + ": short answer");
  std::memcpy(&head, answer, sizeof head);
  std::memcpy(&error, answer + NLMSG_LENGTH(0), sizeof error);
  if (head.nlmsg_type != NLMSG_ERROR)
    return fail(Code::kUnavailable, what + ": unexpected answer");
  if (error.error != 0) return tl::unexpected(failure(-error.error, what));
  return {};
}

tcmsg ingress_message(int index) {
  tcmsg out{};
  out.tcm_family = AF_UNSPEC;
  out.tcm_ifindex = index;
  out.tcm_handle = kIngressHandle;
  out.tcm_parent = TC_H_INGRESS;
  return out;
}

}  // namespace

Result<Netlink> Netlink::open() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd.valid()) return tl::unexpected(failure(errno, "netlink"));
  // The kernel answers within send(); the bound is for a kernel that errs.
  const timeval bound{.tv_sec = 5, .tv_usec = 0};
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
  (void)::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  return Netlink(std::move(fd));
}

Result<void> Netlink::add_veth(const std::string& name, const std::string& peer,
                               uint32_t mtu) {
  // Down: an end that comes up before it has its peer answers ENOTCONN.
  ifinfomsg link{};
  link.ifi_family = AF_UNSPEC;
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, link);
  message.put(IFLA_IFNAME, name);
  message.put(IFLA_MTU, mtu);
  const size_t info = message.begin(IFLA_LINKINFO);
  message.put(IFLA_INFO_KIND, std::string("veth"));
  const size_t data = message.begin(IFLA_INFO_DATA);
  const size_t other = message.begin(VETH_INFO_PEER);
  message.append(&link, sizeof link);
  message.put(IFLA_IFNAME, peer);
  message.put(IFLA_MTU, mtu);
  message.end(other);
  message.end(data);
  message.end(info);
  return exchange(fd_.get(), std::move(message), "add veth " + name);
}

Result<void> Netlink::remove_link(int index) {
  ifinfomsg link{};
  link.ifi_family = AF_UNSPEC;
  link.ifi_index = index;
  return exchange(fd_.get(), Message(RTM_DELLINK, 0, link), "remove link");
}

Result<void> Netlink::add_ingress(int index) {
  Message message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL,
                  ingress_message(index));
  message.put(TCA_KIND, std::string("ingress"));
  auto done = exchange(fd_.get(), std::move(message), "add ingress");
  if (!done && done.error().code == Code::kConflict) return {};
  return done;
}

Result<void> Netlink::remove_ingress(int index) {
  auto done =
      exchange(fd_.get(), Message(RTM_DELQDISC, 0, ingress_message(index)),
               "remove ingress");
  // "No such qdisc" is ENOENT or, from the parent's look-up, EINVAL.
  if (!done && (done.error().code == Code::kNotFound ||
                done.error().code == Code::kInvalid))
    return {};
  return done;
}

Result<void> Netlink::set_redirect(int from, int to) {
  tcmsg rule{};
  rule.tcm_family = AF_UNSPEC;
  rule.tcm_ifindex = from;
  rule.tcm_parent = kIngressHandle;
  rule.tcm_handle = kRuleHandle;
  rule.tcm_info = TC_H_MAKE(kRulePriority << 16, htons(ETH_P_ALL));
  Message message(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_REPLACE, rule);
  message.put(TCA_KIND, std::string("u32"));
  const size_t options = message.begin(TCA_OPTIONS);
  tc_u32_sel selector{};
  selector.flags = TC_U32_TERMINAL;
  selector.nkeys = 1;
  const tc_u32_key key{};  // value 0 under mask 0: everything
  std::string all(reinterpret_cast<const char*>(&selector), sizeof selector);
  all.append(reinterpret_cast<const char*>(&key), sizeof key);
  const size_t actions = message.begin(TCA_U32_ACT);
  const size_t first = message.begin(1);
  message.put(TCA_ACT_KIND, std::string("mirred"));
  const size_t parameters = message.begin(TCA_ACT_OPTIONS);
  tc_mirred mirred{};
  mirred.action = TC_ACT_STOLEN;
  mirred.eaction = TCA_EGRESS_REDIR;
  mirred.ifindex = static_cast<uint32_t>(to);
  message.put(TCA_MIRRED_PARMS, &mirred, sizeof mirred);
  message.end(parameters);
  message.end(first);
  message.end(actions);
  message.put(TCA_U32_SEL, all.data(), all.size());
  message.end(options);
  return exchange(fd_.get(), std::move(message), "redirect");
}

}  // namespace chrysalis::network
