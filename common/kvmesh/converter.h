#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <kvmesh/pid.h>
#include <kvmesh/value.h>

/// How values that hold no others are converted. Implementation of <kvmesh/convert.h>, except
/// Mismatch; nothing else here is meant to be used otherwise.
namespace kvmesh {

/// Why a value is not of the type that is wanted.
struct Mismatch {
  std::string where;   ///< "element 3", "key \"a\", element 1"; empty: the value itself
  std::string wanted;  ///< "an int", "a list of text"
  std::string got;     ///< "text \"abc\"", "nil", "a map without the key \"age\""

  /// "expected an int, got text \"abc\"", with the place before it where it is within the value.
  std::string to_string() const;
  /// The same fault, seen from the container around it.
  void within(std::string_view place);
};

namespace convert {

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
                "kvmesh: values of this type cannot be arguments or results of calls. A struct or "
                "an enum of yours: name its members with kvmesh_describe(), right after the type "
                "and in its namespace; <kvmesh/describe.h> shows how. Else use bool, an integer, "
                "float, double, std::string, kvmesh::Bytes, kvmesh::Pid, kvmesh::Value, "
                "std::chrono::milliseconds, or std::optional, std::vector, std::array, std::set, "
                "std::unordered_set, std::map or std::unordered_map with keys of std::string, "
                "std::pair or std::tuple of these");
  static std::string text();
  static std::string wanted();
  static Value to(const T& value);
  static std::optional<T> from(const Value& value, Mismatch& fault);
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

}  // namespace convert
}  // namespace kvmesh
