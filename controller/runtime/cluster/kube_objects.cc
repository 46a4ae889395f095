#include "controller/runtime/cluster/kube_objects.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "controller/api/objects/codec.h"
#include "controller/runtime/cluster/projection.h"

namespace chrysalis::runtime {
namespace {

template <class T>
kube::Resource resource_of() {
  const api::KindNames names = api::names_of(kind_of<T>);
  return {api::kGroup, api::kVersion, names.plural, names.kind};
}

kube::ObjectVersion version_of(const api::Meta& meta) {
  return {{meta.ns, meta.name}, meta.resource_version};
}

// For one thread: the reflector's.
template <class T>
ProjectObject typed_projection() {
  const auto reader = std::make_shared<kube::JsonReader>();
  return
      [reader](const kube::ObjectMeta&,
               kube::PaddedJson text) -> Result<std::shared_ptr<const void>> {
        CHRYSALIS_ASSIGN(T object, project<T>(*reader, text));
        return std::make_shared<const T>(std::move(object));
      };
}

}  // namespace

std::string on_node(std::string_view node) {
  return std::string("status.nodeName=").append(node);
}

template <class T>
KubeObjects<T>::KubeObjects(Deps deps, std::string field_selector,
                            ReflectorOptions options)
    : deps_(deps),
      reflector_({deps.transport, store_.core(), deps.timer},
                 {.resource = resource_of<T>(),
                  .field_selector = std::move(field_selector)},
                 typed_projection<T>(), telling(std::move(options))) {}

template <class T>
ReflectorOptions KubeObjects<T>::telling(ReflectorOptions options) {
  options.on_synced = [this, first = std::move(options.on_synced)] {
    if (first) first();
    for (const auto& told : on_synced_) told();
  };
  return options;
}

template <class T>
void KubeObjects<T>::on_synced(std::function<void()> told) {
  if (synced()) return told();
  on_synced_.push_back(std::move(told));
}

template <class T>
uint64_t KubeObjects<T>::add_handler(Handler handler) {
  return store_.core().add_handler(std::move(handler));
}

template <class T>
std::optional<Mono> KubeObjects<T>::held_until(const ObjectKey& key, Mono now) {
  return store_.core().held_until(key, now);
}

template <class T>
Result<typename KubeObjects<T>::Object> KubeObjects<T>::read(
    const ObjectKey& key) {
  const auto found =
      deps_.client.get(resource_of<T>(), {.ns = key.ns, .name = key.name});
  if (!found) {
    if (found.error().code == Code::kNotFound) return Object();
    return tl::unexpected<Error>(found.error());
  }
  kube::JsonReader reader;
  auto object = project<T>(reader, found->json());
  if (!object) return fail(Code::kCorrupt, object.error().message);
  return std::make_shared<const T>(std::move(*object));
}

template <class T>
Result<> KubeObjects<T>::write_status(const T& of,
                                      const typename T::Status& status) {
  if (of.status == status) return {};
  return wrote(of,
               deps_.client.apply_status(resource_of<T>(), version_of(of.meta),
                                         api::encode_status(status)));
}

template <class T>
Result<> KubeObjects<T>::set_finalizer(const T& of, std::string_view finalizer,
                                       bool present) {
  if (of.meta.has_finalizer(finalizer) == present) return {};
  if (present && of.meta.deleted_at)
    return fail(Code::kInvalid, "being deleted: takes no finalizer any more");
  std::vector<std::string> finalizers = of.meta.finalizers;
  if (present) {
    finalizers.emplace_back(finalizer);
  } else {
    std::erase(finalizers, finalizer);
  }
  return wrote(of, deps_.client.set_finalizers(
                       resource_of<T>(), version_of(of.meta), finalizers));
}

template <class T>
Result<> KubeObjects<T>::wrote(const T& of,
                               const Result<kube::Object>& written) {
  if (!written) return tl::unexpected<Error>(written.error());
  store_.core().wrote({of.meta.ns, of.meta.name},
                      written->meta.resource_version, deps_.timer.mono());
  return {};
}

template class KubeObjects<api::VirtualMachine>;
template class KubeObjects<api::VmSnapshot>;

}  // namespace chrysalis::runtime
