#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include <kvmesh/converter.h>
#include <kvmesh/converter_containers.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

/// C++ values as arguments and results of calls, and back. Pure functions.
///
///     C++                              type_text()   as a Value
///     bool                             bool          bool
///     integers (not characters)        int           integer; out of range is refused
///     float, double                    float         float; an integer is taken too
///     std::string                      text          text; bytes are taken too
///     std::string_view, const char*    text          text; to send only
///     Bytes                            bytes         bytes; text is taken too
///     Pid                              pid           its text
///     std::chrono::milliseconds        int           integer; other durations to send only
///     std::optional<T>                 int or nil    nil or T
///     std::vector<T>                   list of int   list
///     std::set, std::unordered_set     list of int   list; of equal elements one counts
///     std::array<T, 3>                 list of 3 int list of just that many
///     std::map, std::unordered_map     map of int    map; the keys are std::string, and of a key
///                                                    that is there twice the last counts
///     std::pair<A, B>, std::tuple<...> (int, text)   list of just that many
///     a struct of yours                {name: text, age: int}
///                                                    map: see <kvmesh/describe.h>
///     an enum of yours                 red|green     text: see <kvmesh/describe.h>
///     Value                            any           itself
///     Value::Map                       map of any    map, as it is
namespace kvmesh {

/// `value` as an argument or a result.
template <typename T>
Value to_value(T&& value) {
  return convert::Converter<std::decay_t<T>>::to(std::forward<T>(value));
}

/// `value` as a T. kInvalidArgument when it holds something else: "expected a list of int, got text
/// \"abc\"", or "element 3: expected an int, got nil".
template <typename T>
Result<T> from_value(const Value& value) {
  Mismatch fault;
  auto held = convert::Converter<T>::from(value, fault);
  if (!held) return Status{StatusCode::kInvalidArgument, fault.to_string()};
  return *std::move(held);
}

/// T as people read it in the signature of a function: "int", "text", "list of int".
template <typename T>
std::string type_text() {
  return convert::Converter<std::decay_t<T>>::text();
}

}  // namespace kvmesh
