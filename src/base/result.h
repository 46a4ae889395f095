#pragma once

// Errors as values. Every fallible function of Chrysalis returns Result<T>;
// no exception crosses a folder: adapters round throwing libraries catch at
// the call.
//
// Message rule: the callee gives the reason only; the caller that owns the
// context adds it with `with_context`, so no message says a thing twice.
// Thread-safety: values; no shared state.

#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace chrysalis {

// A code exists only because some caller acts differently on it.
enum class Code {
  kInvalid,      // the input is wrong: say so, do not retry
  kNotFound,     // the thing named is not there
  kConflict,     // someone else changed it: refresh, retry now
  kUnavailable,  // a peer or the system refused for now: back off, retry
  kTimeout,      // a deadline passed: the effect is unknown, observe again
  kCorrupt,      // stored data failed a check: quarantine, tell a human
  kUnsupported,  // this host or program cannot do it: never retry
};

std::string_view to_string(Code code);

struct Error {
  Code code = Code::kUnavailable;
  std::string message;
};

template <class T = void>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(Code code,
                                                std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

// "open /x: No such file": keeps the code, puts the context in front.
[[nodiscard]] Error with_context(Error error, std::string_view context);

// kNotFound for ENOENT, kInvalid for ELOOP/ENAMETOOLONG..., else kUnavailable.
[[nodiscard]] Error from_errno(int errno_value, std::string_view what);

}  // namespace chrysalis

#define CHRYSALIS_CONCAT_INNER(a, b) a##b
#define CHRYSALIS_CONCAT(a, b) CHRYSALIS_CONCAT_INNER(a, b)

// CHRYSALIS_TRY(expr): returns the error of a Result, drops its value.
#define CHRYSALIS_TRY(expr)                        \
  do {                                             \
    auto chrysalis_result = (expr);                \
    if (!chrysalis_result)                         \
      return ::tl::unexpected<::chrysalis::Error>( \
          std::move(chrysalis_result).error());    \
  } while (false)

// CHRYSALIS_ASSIGN(auto x, expr): declares x from the value, or returns.
#define CHRYSALIS_ASSIGN(decl, expr)                                          \
  CHRYSALIS_ASSIGN_INNER(CHRYSALIS_CONCAT(chrysalis_result_, __LINE__), decl, \
                         expr)
#define CHRYSALIS_ASSIGN_INNER(result, decl, expr)                          \
  auto result = (expr);                                                     \
  if (!result)                                                              \
    return ::tl::unexpected<::chrysalis::Error>(std::move(result).error()); \
  decl = std::move(result).value()
