#include <kvmesh/convert.h>

#include "common/text.h"

namespace kvmesh {

std::string Mismatch::to_string() const {
  return (where.empty() ? "" : where + ": ") + "expected " + wanted + ", got " + got;
}

void Mismatch::within(std::string_view place) {
  where = where.empty() ? std::string{place} : std::string{place} + ", " + where;
}

namespace convert {
namespace {

template <typename... Overloads>
struct Visitor : Overloads... {
  using Overloads::operator()...;
};
template <typename... Overloads>
Visitor(Overloads...) -> Visitor<Overloads...>;

}  // namespace

std::string description(const Value& value) {
  return std::visit(
      Visitor{
          [](std::monostate) -> std::string { return "nil"; },
          [](bool held) -> std::string { return held ? "true" : "false"; },
          [](std::int64_t held) { return "int " + std::to_string(held); },
          [](std::uint64_t held) { return "int " + std::to_string(held); },
          [&](double) { return "float " + value.to_json(); },
          [](const std::string& held) { return "text " + in_quotes(held); },
          [](const Bytes& held) { return std::to_string(held.data.size()) + " bytes"; },
          [](const Value::List& held) { return "a list of " + std::to_string(held.size()); },
          [](const Value::Map& held) { return "a map of " + std::to_string(held.size()); },
      },
      value.data());
}

Mismatch mismatch(std::string wanted, const Value& value) {
  return {{}, std::move(wanted), description(value)};
}

Mismatch integer_mismatch(const Value& value, const std::string& least, const std::string& most) {
  const bool is_integer =
      value.get_if<std::int64_t>() != nullptr || value.get_if<std::uint64_t>() != nullptr;
  return mismatch(is_integer ? "an int from " + least + " to " + most : "an int", value);
}

std::optional<double> read_number(const Value& value) {
  if (const auto* number = value.get_if<double>()) return *number;
  if (const auto* number = value.get_if<std::int64_t>()) return static_cast<double>(*number);
  if (const auto* number = value.get_if<std::uint64_t>()) return static_cast<double>(*number);
  return std::nullopt;
}

std::string grouped(std::string text) {
  if (!text.ends_with(" or nil")) return text;
  return "(" + std::move(text) + ")";
}

Mismatch unknown_key(std::string wanted, std::string_view name) {
  return {{}, std::move(wanted), "a map with the unknown " + key(name)};
}

Mismatch missing_key(std::string wanted, std::string_view name) {
  return {{}, std::move(wanted), "a map without the " + key(name)};
}

std::string element(std::size_t index) { return "element " + std::to_string(index + 1); }
std::string key(std::string_view name) { return "key " + in_quotes(name); }

std::optional<bool> Converter<bool>::from(const Value& value, Mismatch& fault) {
  if (const auto* held = value.get_if<bool>()) return *held;
  fault = mismatch(wanted(), value);
  return std::nullopt;
}

std::optional<std::string> Converter<std::string>::from(const Value& value, Mismatch& fault) {
  if (const auto* held = value.bytes_or_text()) return *held;
  fault = mismatch(wanted(), value);
  return std::nullopt;
}

std::optional<Bytes> Converter<Bytes>::from(const Value& value, Mismatch& fault) {
  if (const auto* held = value.bytes_or_text()) return Bytes{*held};
  fault = mismatch(wanted(), value);
  return std::nullopt;
}

std::optional<Pid> Converter<Pid>::from(const Value& value, Mismatch& fault) {
  if (const auto* text = value.get_if<std::string>()) {
    if (auto pid = Pid::parse(*text)) return *std::move(pid);
  }
  fault = mismatch(wanted(), value);
  return std::nullopt;
}

}  // namespace convert
}  // namespace kvmesh
