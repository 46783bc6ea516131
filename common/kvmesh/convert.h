#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <kvmesh/pid.h>
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
///     std::map<std::string, T>         map of int    map
///     std::pair<A, B>, std::tuple<...> (int, text)   list of just that many
///     Value                            any           itself
namespace kvmesh {

/// Why a value is not of the type that is wanted.
struct Mismatch {
  std::string where;   ///< "element 3", "key \"a\", element 1"; empty: the value itself
  std::string wanted;  ///< "an int", "a list of text"
  std::string got;     ///< "text \"abc\"", "nil"

  /// "expected an int, got text \"abc\"", with the place before it where it is within the value.
  std::string to_string() const;
  /// The same fault, seen from the container around it.
  void within(std::string_view place);
};

namespace convert {

// Implementation; the functions to use are at the end of this file.

template <typename T>
inline constexpr bool kNever = false;

template <typename T>
concept Character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
    std::same_as<T, char16_t> || std::same_as<T, char32_t>;
template <typename T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && !Character<T>;

/// "text \"abc\"", "int 300", "a list of 3".
std::string description(const Value& value);
Mismatch mismatch(std::string wanted, const Value& value);
Mismatch integer_mismatch(const Value& value, const std::string& least, const std::string& most);
std::optional<double> read_number(const Value& value);
/// "(int or nil)": what needs parentheses in "list of ...".
std::string grouped(std::string text);
std::string element(std::size_t index);
std::string key(std::string_view name);

template <typename T>
struct Converter {
  static_assert(kNever<T>,
                "kvmesh: values of this type cannot be arguments or results of calls. Use bool, an "
                "integer, float, double, std::string, kvmesh::Bytes, kvmesh::Pid, kvmesh::Value, "
                "std::chrono::milliseconds, or std::optional, std::vector, std::map<std::string, "
                "T>, std::pair or std::tuple of such");
};

template <>
struct Converter<Value> {
  static std::string text() { return "any"; }
  static std::string wanted() { return "any value"; }
  static Value to(Value value) { return value; }
  static std::optional<Value> from(const Value& value, Mismatch&) { return value; }
};

template <>
struct Converter<bool> {
  static std::string text() { return "bool"; }
  static std::string wanted() { return "a bool"; }
  static Value to(bool value) { return value; }
  static std::optional<bool> from(const Value& value, Mismatch& fault);
};

template <Integer T>
struct Converter<T> {
  static std::string text() { return "int"; }
  static std::string wanted() { return "an int"; }
  static Value to(T value) {
    if (std::in_range<std::int64_t>(value)) return static_cast<std::int64_t>(value);
    return static_cast<std::uint64_t>(value);
  }
  static std::optional<T> from(const Value& value, Mismatch& fault) {
    const auto* number = value.get_if<std::int64_t>();
    if (number != nullptr && std::in_range<T>(*number)) return static_cast<T>(*number);
    const auto* large = value.get_if<std::uint64_t>();
    if (large != nullptr && std::in_range<T>(*large)) return static_cast<T>(*large);
    fault = integer_mismatch(value, std::to_string(std::numeric_limits<T>::min()),
                             std::to_string(std::numeric_limits<T>::max()));
    return std::nullopt;
  }
};

template <std::floating_point T>
struct Converter<T> {
  static_assert(!std::same_as<T, long double>, "kvmesh: use double; a long double does not travel");
  static std::string text() { return "float"; }
  static std::string wanted() { return "a float"; }
  static Value to(T value) { return static_cast<double>(value); }
  static std::optional<T> from(const Value& value, Mismatch& fault) {
    const auto number = read_number(value);
    constexpr auto kMost = static_cast<double>(std::numeric_limits<T>::max());
    constexpr auto kInfinity = std::numeric_limits<double>::infinity();
    const bool finite = number && *number > -kInfinity && *number < kInfinity;
    if (number && (!finite || (*number >= -kMost && *number <= kMost)))
      return static_cast<T>(*number);
    fault = mismatch(number ? "a float of single precision" : wanted(), value);
    return std::nullopt;
  }
};

template <>
struct Converter<std::string> {
  static std::string text() { return "text"; }
  static std::string wanted() { return "text"; }
  static Value to(std::string value) { return value; }
  static std::optional<std::string> from(const Value& value, Mismatch& fault);
};

template <typename T>
struct SendOnlyText {
  static std::string text() { return "text"; }
  static Value to(T value) { return std::string{value}; }
  template <typename Unused = T>
  static std::optional<T> from(const Value&, Mismatch&) {
    static_assert(kNever<Unused>,
                  "kvmesh: a std::string_view or const char* that is received would point into a "
                  "message that is gone. Use std::string");
    return std::nullopt;
  }
  static std::string wanted() { return "text"; }
};
template <>
struct Converter<std::string_view> : SendOnlyText<std::string_view> {};
template <>
struct Converter<const char*> : SendOnlyText<const char*> {};
template <>
struct Converter<char*> : SendOnlyText<const char*> {};

template <>
struct Converter<Bytes> {
  static std::string text() { return "bytes"; }
  static std::string wanted() { return "bytes"; }
  static Value to(Bytes value) { return value; }
  static std::optional<Bytes> from(const Value& value, Mismatch& fault);
};

template <>
struct Converter<Pid> {
  static std::string text() { return "pid"; }
  static std::string wanted() { return "a pid"; }
  static Value to(const Pid& value) { return value.to_string(); }
  static std::optional<Pid> from(const Value& value, Mismatch& fault);
};

template <typename Rep, typename Period>
struct Converter<std::chrono::duration<Rep, Period>> {
  using Duration = std::chrono::duration<Rep, Period>;
  static_assert(std::convertible_to<Duration, std::chrono::milliseconds>,
                "kvmesh: a duration travels as whole milliseconds, and this one is finer. Use "
                "std::chrono::milliseconds");
  static std::string text() { return "int"; }
  static std::string wanted() { return "an int"; }
  static Value to(Duration value) { return std::int64_t{std::chrono::milliseconds{value}.count()}; }
  static std::optional<Duration> from(const Value& value, Mismatch& fault) {
    static_assert(std::same_as<Duration, std::chrono::milliseconds>,
                  "kvmesh: a duration is received as std::chrono::milliseconds");
    const auto count = Converter<std::int64_t>::from(value, fault);
    if (!count) return std::nullopt;
    return Duration{*count};
  }
};

template <typename T>
struct Converter<std::optional<T>> {
  static std::string text() { return Converter<T>::text() + " or nil"; }
  static std::string wanted() { return Converter<T>::wanted() + " or nil"; }
  static Value to(std::optional<T> value) {
    if (!value) return {};
    return Converter<T>::to(*std::move(value));
  }
  static std::optional<std::optional<T>> from(const Value& value, Mismatch& fault) {
    if (value.is_nil()) return std::optional<std::optional<T>>{std::in_place};
    auto held = Converter<T>::from(value, fault);
    if (held) return std::optional<std::optional<T>>{std::in_place, *std::move(held)};
    if (fault.where.empty()) fault.wanted += " or nil";
    return std::nullopt;
  }
};

template <typename T>
struct Converter<std::vector<T>> {
  static std::string text() { return "list of " + grouped(Converter<T>::text()); }
  static std::string wanted() { return "a " + text(); }
  static Value to(std::vector<T> value) {
    if constexpr (std::is_same_v<T, Value>) {
      return value;
    } else {
      Value::List list;
      list.reserve(value.size());
      for (std::size_t i = 0; i < value.size(); ++i) {
        list.push_back(Converter<T>::to(static_cast<T>(std::move(value[i]))));
      }
      return list;
    }
  }
  static std::optional<std::vector<T>> from(const Value& value, Mismatch& fault) {
    const auto* list = value.get_if<Value::List>();
    if (list == nullptr) {
      fault = mismatch(wanted(), value);
      return std::nullopt;
    }
    std::optional<std::vector<T>> out{std::in_place};
    out->reserve(list->size());
    for (std::size_t i = 0; i < list->size(); ++i) {
      auto held = Converter<T>::from((*list)[i], fault);
      if (!held) {
        fault.within(element(i));
        return std::nullopt;
      }
      out->push_back(*std::move(held));
    }
    return out;
  }
};

template <typename T>
struct Converter<std::map<std::string, T>> {
  static std::string text() { return "map of " + grouped(Converter<T>::text()); }
  static std::string wanted() { return "a " + text(); }
  static Value to(std::map<std::string, T> value) {
    Value::Map map;
    map.reserve(value.size());
    for (auto& [name, held] : value) {
      map.emplace_back(name, Converter<T>::to(std::move(held)));
    }
    return map;
  }
  // Of a key that is there twice the last counts.
  static std::optional<std::map<std::string, T>> from(const Value& value, Mismatch& fault) {
    const auto* map = value.get_if<Value::Map>();
    if (map == nullptr) {
      fault = mismatch(wanted(), value);
      return std::nullopt;
    }
    std::optional<std::map<std::string, T>> out{std::in_place};
    for (const auto& [name, entry] : *map) {
      auto held = Converter<T>::from(entry, fault);
      if (!held) {
        fault.within(key(name));
        return std::nullopt;
      }
      out->insert_or_assign(name, *std::move(held));
    }
    return out;
  }
};

template <typename Tuple, typename... T>
struct TupleConverter {
  static std::string text() {
    std::string out;
    ((out += (out.empty() ? "" : ", ") + Converter<T>::text()), ...);
    return "(" + out + ")";
  }
  static std::string wanted() { return "a list of " + std::to_string(sizeof...(T)) + " " + text(); }
  static Value to(Tuple value) {
    return std::apply(
        [](auto&&... held) { return Value{Value::List{Converter<T>::to(std::move(held))...}}; },
        std::move(value));
  }
  static std::optional<Tuple> from(const Value& value, Mismatch& fault) {
    const auto* list = value.get_if<Value::List>();
    if (list == nullptr || list->size() != sizeof...(T)) {
      fault = mismatch(wanted(), value);
      return std::nullopt;
    }
    return from_elements(*list, fault, std::index_sequence_for<T...>{});
  }

 private:
  template <std::size_t... I>
  static std::optional<Tuple> from_elements(const Value::List& list, Mismatch& fault,
                                            std::index_sequence<I...>) {
    std::tuple<std::optional<T>...> held;
    std::size_t at = 0;
    const bool all = ((at = I, std::get<I>(held) = Converter<T>::from(list[I], fault),
                       std::get<I>(held).has_value()) &&
                      ...);
    if (!all) {
      fault.within(element(at));
      return std::nullopt;
    }
    return std::optional<Tuple>{std::in_place, *std::move(std::get<I>(held))...};
  }
};
template <typename A, typename B>
struct Converter<std::pair<A, B>> : TupleConverter<std::pair<A, B>, A, B> {};
template <typename... T>
struct Converter<std::tuple<T...>> : TupleConverter<std::tuple<T...>, T...> {};

}  // namespace convert

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
