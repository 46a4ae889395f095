#pragma once

// A JSON value that is read once, from front to back, whoever parsed it: a
// decoder written over this needs no tree of the whole text. Implementations:
// controller/api/objects/tree_value.h, controller/kube/json_value.h.
//
// Contract: a value is consumed by one call of text(), integer(), number(),
// boolean(), members() or elements(); one that is not consumed is skipped. It
// lives during the call that was given it, a text as long as the whole
// document. PURE. Thread-safety: one thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>

namespace chrysalis {

// A borrowed callable: what std::function is, without its allocation.
template <class Signature>
class FunctionRef;
template <class R, class... Args>
class FunctionRef<R(Args...)> {
 public:
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef>)
  FunctionRef(F&& f)  // implicit: a parameter that takes a lambda
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(args...);
        }) {}
  R operator()(Args... args) const { return call_(object_, args...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

class JsonValue {
 public:
  enum class Type : uint8_t {
    kNull,
    kBoolean,
    kNumber,
    kText,
    kArray,
    kObject,
    kBroken,  // the text ends or errs here
  };
  // False ends the walk.
  using Member = FunctionRef<bool(std::string_view key, JsonValue& value)>;
  using Element = FunctionRef<bool(JsonValue& value)>;

  virtual ~JsonValue() = default;
  virtual Type type() = 0;  // does not consume
  [[nodiscard]] bool is_null() { return type() == Type::kNull; }
  [[nodiscard]] bool is_text() { return type() == Type::kText; }
  // nullopt: it is another type, or does not fit.
  virtual std::optional<std::string_view> text() = 0;
  virtual std::optional<int64_t> integer() = 0;
  virtual std::optional<double> number() = 0;
  virtual std::optional<bool> boolean() = 0;
  // False: another type, broken text, or `visit` ended the walk.
  virtual bool members(Member visit) = 0;
  virtual bool elements(Element visit) = 0;
};

}  // namespace chrysalis
