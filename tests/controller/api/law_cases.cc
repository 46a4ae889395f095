#include "tests/controller/api/law_cases.h"

namespace chrysalis::api {
namespace {

constexpr Kind kVm = Kind::kVirtualMachine;
constexpr Kind kSnap = Kind::kVmSnapshot;

#define IMAGE "\"source\":{\"image\":{\"name\":\"tick\"}}"
#define CLONE "\"source\":{\"snapshot\":{\"name\":\"golden\"}}"
#define RESTORE "\"restore\":{\"snapshot\":\"golden\"}"
#define FC "\"hypervisor\":\"Firecracker\""
constexpr const char* kClone = "{" CLONE "}";
constexpr const char* kImage = "{" IMAGE "}";
constexpr const char* kRestore = "{" IMAGE "," RESTORE "}";
constexpr const char* kFc = "{" IMAGE "," FC "}";

constexpr LawCase kCases[] = {
    {kVm, "name", nullptr, kImage, kImage,
     "a-name-that-is-much-too-long-for-a-label-of-the-domain-name-system"},
    {kVm, "source-exactly-one", nullptr, R"({"source":{}})", kImage},
    {kVm, "source-exactly-one", nullptr,
     R"({"source":{"image":{"name":"a"},"snapshot":{"name":"b"}}})", kClone},
    // A clone takes them from its snapshot, even when equal.
    {kVm, "clone-refuses-cpu", nullptr, "{" CLONE R"(,"resources":{"cpu":2}})",
     kClone},
    {kVm, "clone-refuses-memory", nullptr,
     "{" CLONE R"(,"resources":{"memory":"1Gi"}})", kClone},
    {kVm, "clone-refuses-memory", nullptr,
     "{" CLONE R"(,"resources":{"memory":1073741824}})", kClone},
    {kVm, "clone-refuses-storage", nullptr,
     "{" CLONE R"(,"resources":{"storage":"10Gi"}})", kClone},
    {kVm, "clone-refuses-nics", nullptr,
     "{" CLONE R"(,"resources":{"nics":1}})", kClone},
    {kVm, "clone-refuses-windows", nullptr, "{" CLONE R"(,"windows":false})",
     kClone},
    {kVm, "clone-refuses-sharedMemory", nullptr,
     "{" CLONE R"(,"sharedMemory":true})", kClone},
    {kVm, "clone-refuses-diskQueueSize", nullptr,
     "{" CLONE R"(,"diskQueueSize":512})",
     "{" CLONE R"(,"queueSize":256,"noDirectIO":true,"network":{"name":"n"}})"},
    {kVm, "clone-request-refuses-cpu", nullptr,
     R"({"source":{"snapshot":{"name":"golden","cpu":2}}})", kClone},
    {kVm, "clone-request-refuses-memory", nullptr,
     R"({"source":{"snapshot":{"name":"golden","memory":"1Gi"}}})", kClone},
    {kVm, "clone-request-refuses-storage", nullptr,
     R"({"source":{"snapshot":{"name":"golden","storage":"1Gi"}}})", kClone},
    {kVm, "clone-request-refuses-nics", nullptr,
     R"({"source":{"snapshot":{"name":"golden","nics":1}}})",
     R"({"source":{"snapshot":{"name":"golden","onDemand":true}}})"},
    // Beside a restore.
    {kVm, "restore-refuses-cpu", nullptr,
     "{" IMAGE "," RESTORE R"(,"resources":{"cpu":2}})", kRestore},
    {kVm, "restore-refuses-memory", nullptr,
     "{" IMAGE "," RESTORE R"(,"resources":{"memory":"1Gi"}})", kRestore},
    {kVm, "restore-refuses-storage", nullptr,
     "{" IMAGE "," RESTORE R"(,"resources":{"storage":"10Gi"}})", kRestore},
    {kVm, "restore-refuses-nics", nullptr,
     "{" IMAGE "," RESTORE R"(,"resources":{"nics":1}})",
     "{" IMAGE "," RESTORE R"(,"windows":true,"diskQueueSize":128})"},
    {kVm, "restore-request-refuses-cpu", nullptr,
     "{" IMAGE R"(,"restore":{"snapshot":"golden","cpu":2}})", kRestore},
    {kVm, "restore-request-refuses-memory", nullptr,
     "{" IMAGE R"(,"restore":{"snapshot":"golden","memory":"1Gi"}})", kRestore},
    {kVm, "restore-request-refuses-storage", nullptr,
     "{" IMAGE R"(,"restore":{"snapshot":"golden","storage":"1Gi"}})",
     kRestore},
    {kVm, "restore-request-refuses-nics", nullptr,
     "{" IMAGE R"(,"restore":{"snapshot":"golden","nics":1}})",
     "{" IMAGE R"(,"restore":{"snapshot":"golden","allowForeign":true}})"},
    // Bounds that the plain schema cannot say; each at its edge.
    {kVm, "memory-range", nullptr,
     "{" IMAGE R"(,"resources":{"memory":"15Mi"}})",
     "{" IMAGE R"(,"resources":{"memory":"16Mi"}})"},
    {kVm, "memory-range", nullptr,
     "{" IMAGE R"(,"resources":{"memory":17592187092992}})",
     "{" IMAGE R"(,"resources":{"memory":"16Ti"}})"},
    {kVm, "memory-whole-mib", nullptr,
     "{" IMAGE R"(,"resources":{"memory":"1G"}})",
     "{" IMAGE R"(,"resources":{"memory":1073741824}})"},
    {kVm, "storage-range", nullptr,
     "{" IMAGE R"(,"resources":{"storage":"65Ti"}})",
     "{" IMAGE R"(,"resources":{"storage":"64Ti"}})"},
    {kVm, "storage-whole-mib", nullptr,
     "{" IMAGE R"(,"resources":{"storage":1048577}})",
     "{" IMAGE R"(,"resources":{"storage":1048576}})"},
    {kVm, "queueSize-power-of-two", nullptr, "{" IMAGE R"(,"queueSize":500})",
     "{" IMAGE R"(,"queueSize":1024})"},
    {kVm, "diskQueueSize-power-of-two", nullptr,
     "{" IMAGE R"(,"diskQueueSize":3})", "{" IMAGE R"(,"diskQueueSize":2})"},
    // What Firecracker has not.
    {kVm, "firecracker-cpu-max", nullptr,
     "{" IMAGE "," FC R"(,"resources":{"cpu":33}})",
     "{" IMAGE "," FC R"(,"resources":{"cpu":32}})"},
    {kVm, "firecracker-windows", nullptr,
     "{" IMAGE "," FC R"(,"windows":true})",
     "{" IMAGE "," FC R"(,"windows":false})"},
    {kVm, "firecracker-sharedMemory", nullptr,
     "{" IMAGE "," FC R"(,"sharedMemory":true})", kFc},
    {kVm, "firecracker-diskQueueSize", nullptr,
     "{" IMAGE "," FC R"(,"diskQueueSize":512})",
     "{" IMAGE "," FC R"(,"diskQueueSize":256})"},
    {kVm, "firecracker-queueSize", nullptr,
     "{" IMAGE "," FC R"(,"queueSize":512})", kFc},
    {kVm, "firecracker-noDirectIO", nullptr,
     "{" IMAGE "," FC R"(,"noDirectIO":false})",
     "{" IMAGE "," FC R"(,"noDirectIO":true})"},
    {kVm, "firecracker-on-demand-snapshot", nullptr,
     "{" FC R"(,"source":{"snapshot":{"name":"golden","onDemand":true}}})",
     "{" FC R"(,"source":{"snapshot":{"name":"golden"}}})"},
    {kVm, "firecracker-on-demand-restore", nullptr,
     "{" IMAGE "," FC R"(,"restore":{"snapshot":"golden","onDemand":true}})",
     "{" IMAGE "," FC R"(,"restore":{"snapshot":"golden"}})"},
    // Fixed at creation; a default counts as the value.
    {kVm, "fixed-source", kImage, kClone, "{" IMAGE R"(,"queueSize":256})"},
    {kVm, "fixed-hypervisor", kImage, kFc,
     "{" IMAGE R"(,"hypervisor":"CloudHypervisor"})"},
    {kVm, "fixed-hypervisor", kClone,
     "{" CLONE R"(,"hypervisor":"CloudHypervisor"})", kClone},
    {kVm, "fixed-network", kImage, "{" IMAGE R"(,"network":{"name":"n"}})",
     "{" IMAGE R"(,"resources":{"cpu":4}})"},
    {kVm, "fixed-windows", kImage, "{" IMAGE R"(,"windows":true})",
     "{" IMAGE R"(,"windows":false})"},
    {kVm, "fixed-sharedMemory", kImage, "{" IMAGE R"(,"sharedMemory":true})",
     kImage},
    {kVm, "fixed-nodeName", kImage, "{" IMAGE R"(,"nodeName":"n1"})", kImage},
    // Requests only count up.
    {kVm, "restore-attempt-counts-up",
     "{" IMAGE R"(,"restore":{"snapshot":"a","attempt":2}})",
     "{" IMAGE R"(,"restore":{"snapshot":"b","attempt":2}})",
     "{" IMAGE R"(,"restore":{"snapshot":"b","attempt":3}})"},
    {kVm, "restore-attempt-counts-up",
     "{" IMAGE R"(,"restore":{"snapshot":"a","attempt":2}})",
     "{" IMAGE R"(,"restore":{"snapshot":"a","attempt":1}})", kImage},
    {kVm, "restart-attempt-counts-up", "{" IMAGE R"(,"restart":{"attempt":2}})",
     "{" IMAGE R"(,"restart":{"attempt":1}})",
     "{" IMAGE R"(,"restart":{"attempt":3}})"},
    {kSnap, "name", nullptr, R"({"source":{"virtualMachine":{"name":"vm"}}})",
     R"({"source":{"virtualMachine":{"name":"vm"}}})", "has.a.dot"},
    {kSnap, "source-exactly-one", nullptr, R"({"source":{}})",
     R"({"source":{"directory":{"nodeName":"n1","name":"d"}}})"},
    {kSnap, "fixed-source", R"({"source":{"virtualMachine":{"name":"a"}}})",
     R"({"source":{"virtualMachine":{"name":"b"}}})",
     R"({"source":{"virtualMachine":{"name":"a"}},"description":"x"})"},
};

}  // namespace

std::span<const LawCase> law_cases() { return kCases; }

}  // namespace chrysalis::api
