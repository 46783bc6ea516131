#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace kvmesh {

/// Bytes, as opposed to text: what keys and values are.
struct Bytes {
  std::string data;
  friend bool operator==(const Bytes&, const Bytes&) = default;
};

/// An argument or a result of a call: nil, bool, integer, float, text, bytes, list, or map with
/// text keys in their order. An integer that came over the wire is an int64_t if it fits, else a
/// uint64_t. A plain value: copying copies all of it. Thread safety: that of std::string.
class Value {
 public:
  using List = std::vector<Value>;
  using Map = std::vector<std::pair<std::string, Value>>;
  using Variant = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double,
                               std::string, Bytes, List, Map>;

  Value() = default;  // nil
  template <typename T>
  requires std::is_constructible_v<Variant, T> Value(T value)
      : data_(std::move(value)) {}                       // NOLINT: implicit on purpose
  Value(const char* text) : data_(std::string{text}) {}  // NOLINT: implicit on purpose
  Value(std::uint32_t value)
      : data_(std::int64_t{value}) {}  // NOLINT: implicit on purpose; it fits both integers

  const Variant& data() const { return data_; }
  bool is_nil() const { return std::holds_alternative<std::monostate>(data_); }
  /// The value as T (one of Variant's), or null when it holds something else.
  template <typename T>
  const T* get_if() const {
    return std::get_if<T>(&data_);
  }
  template <typename T>
  T* get_if() {
    return std::get_if<T>(&data_);
  }
  /// The value as a non-negative integer, whichever type holds it; empty when it is none.
  std::optional<std::uint64_t> to_uint() const;
  /// Bytes or text, as a node may send a name as either; null when it is neither.
  const std::string* bytes_or_text() const;
  /// The entry of a map; null when this is no map or has no such key.
  const Value* find(std::string_view key) const;

  /// JSON of one line. Bytes that are UTF-8 become a string, others {"base64": "..."}.
  std::string to_json() const;

  friend bool operator==(const Value&, const Value&) = default;

 private:
  Variant data_;
};

}  // namespace kvmesh
