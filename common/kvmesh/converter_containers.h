#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <kvmesh/converter.h>
#include <kvmesh/describe.h>
#include <kvmesh/value.h>

/// How containers, structs and enums are converted. Implementation of <kvmesh/convert.h>; nothing
/// here is meant to be used otherwise.
namespace kvmesh {
namespace convert {

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

// What stands in a list or a map; a fault names the place.
template <typename T>
std::optional<T> element_from(const Value::List& list, std::size_t index, Mismatch& fault) {
  auto held = Converter<T>::from(list[index], fault);
  if (!held) fault.within(element(index));
  return held;
}
template <typename T>
std::optional<T> entry_from(const Value& entry, std::string_view name, Mismatch& fault) {
  auto held = Converter<T>::from(entry, fault);
  if (!held) fault.within(key(name));
  return held;
}

template <typename List, typename T>
struct ListConverter {
  static std::string text() { return "list of " + grouped(Converter<T>::text()); }
  static std::string wanted() { return "a " + text(); }
  static Value to(List value) {
    if constexpr (std::is_same_v<List, Value::List>) {
      return value;
    } else {
      Value::List list;
      list.reserve(value.size());
      for (auto&& held : value) list.push_back(Converter<T>::to(static_cast<T>(std::move(held))));
      return list;
    }
  }
  static std::optional<List> from(const Value& value, Mismatch& fault) {
    const auto* list = value.get_if<Value::List>();
    if (list == nullptr) {
      fault = mismatch(wanted(), value);
      return std::nullopt;
    }
    std::optional<List> out{std::in_place};
    if constexpr (requires { out->reserve(list->size()); }) out->reserve(list->size());
    for (std::size_t i = 0; i < list->size(); ++i) {
      auto held = element_from<T>(*list, i, fault);
      if (!held) return std::nullopt;
      if constexpr (requires { out->push_back(T{*std::move(held)}); }) {
        out->push_back(*std::move(held));
      } else {
        out->insert(*std::move(held));
      }
    }
    return out;
  }
};
template <typename T>
struct Converter<std::vector<T>> : ListConverter<std::vector<T>, T> {};
// A vector too, but what it says is a map; as it is, with its order and keys that are there twice.
template <>
struct Converter<Value::Map> {
  static std::string text() { return "map of any"; }
  static std::string wanted() { return "a map of any"; }
  static Value to(Value::Map value) { return value; }
  static std::optional<Value::Map> from(const Value& value, Mismatch& fault) {
    if (const auto* map = value.get_if<Value::Map>()) return *map;
    fault = mismatch(wanted(), value);
    return std::nullopt;
  }
};
template <typename T, typename... Order>
struct Converter<std::set<T, Order...>> : ListConverter<std::set<T, Order...>, T> {};
template <typename T, typename... Hash>
struct Converter<std::unordered_set<T, Hash...>>
    : ListConverter<std::unordered_set<T, Hash...>, T> {};

template <typename T, std::size_t N>
struct Converter<std::array<T, N>> {
  static std::string text() {
    return "list of " + std::to_string(N) + " " + grouped(Converter<T>::text());
  }
  static std::string wanted() { return "a " + text(); }
  static Value to(std::array<T, N> value) {
    Value::List list;
    list.reserve(N);
    for (auto& held : value) list.push_back(Converter<T>::to(std::move(held)));
    return list;
  }
  static std::optional<std::array<T, N>> from(const Value& value, Mismatch& fault) {
    static_assert(std::is_default_constructible_v<T>,
                  "kvmesh: the elements of a std::array that is received must be "
                  "default-constructible. Use std::vector");
    const auto* list = value.get_if<Value::List>();
    if (list == nullptr || list->size() != N) {
      fault = mismatch(wanted(), value);
      return std::nullopt;
    }
    std::optional<std::array<T, N>> out{std::in_place};
    for (std::size_t i = 0; i < N; ++i) {
      auto held = element_from<T>(*list, i, fault);
      if (!held) return std::nullopt;
      (*out)[i] = *std::move(held);
    }
    return out;
  }
};

template <typename Map, typename T>
struct MapConverter {
  static std::string text() { return "map of " + grouped(Converter<T>::text()); }
  static std::string wanted() { return "a " + text(); }
  static Value to(Map value) {
    Value::Map map;
    map.reserve(value.size());
    for (auto& [name, held] : value) {
      map.emplace_back(name, Converter<T>::to(std::move(held)));
    }
    return map;
  }
  static std::optional<Map> from(const Value& value, Mismatch& fault) {
    const auto* map = value.get_if<Value::Map>();
    if (map == nullptr) {
      fault = mismatch(wanted(), value);
      return std::nullopt;
    }
    std::optional<Map> out{std::in_place};
    for (const auto& [name, entry] : *map) {
      auto held = entry_from<T>(entry, name, fault);
      if (!held) return std::nullopt;
      out->insert_or_assign(name, *std::move(held));
    }
    return out;
  }
};
template <typename T, typename... Order>
struct Converter<std::map<std::string, T, Order...>>
    : MapConverter<std::map<std::string, T, Order...>, T> {};
template <typename T, typename... Hash>
struct Converter<std::unordered_map<std::string, T, Hash...>>
    : MapConverter<std::unordered_map<std::string, T, Hash...>, T> {};

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
    const bool all = ((std::get<I>(held) = element_from<T>(list, I, fault)).has_value() && ...);
    if (!all) return std::nullopt;
    return std::optional<Tuple>{std::in_place, *std::move(std::get<I>(held))...};
  }
};
template <typename A, typename B>
struct Converter<std::pair<A, B>> : TupleConverter<std::pair<A, B>, A, B> {};
template <typename... T>
struct Converter<std::tuple<T...>> : TupleConverter<std::tuple<T...>, T...> {};

// A struct or an enum that has a kvmesh_describe().
template <typename T>
concept Described = requires {
  kvmesh_describe(Type<T>{});
};

template <std::size_t N>
constexpr bool all_differ(const std::array<std::string_view, N>& names) {
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (names[i] == names[j]) return false;
    }
  }
  return true;
}

Mismatch unknown_key(std::string wanted, std::string_view name);
Mismatch missing_key(std::string wanted, std::string_view name);

template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <typename T, typename Description>
struct DescribedConverter {
  static_assert(kNever<T>,
                "kvmesh: kvmesh_describe() must return what kvmesh::members() or kvmesh::names() "
                "returns; <kvmesh/describe.h> shows how");
  static std::string text();
  static std::string wanted();
  static Value to(const T& value);
  static std::optional<T> from(const Value& value, Mismatch& fault);
};

template <typename T, typename... Class, typename... Held>
struct DescribedConverter<T, describe::Members<describe::Member<Class, Held>...>> {
  static constexpr auto kDescription = kvmesh_describe(Type<T>{});
  static constexpr auto kNames =
      std::apply([](const auto&... member) { return std::array{std::string_view{member.name}...}; },
                 kDescription.list);
  static_assert((std::is_base_of_v<Class, T> && ...),
                "kvmesh: kvmesh_describe() of a struct names members of another struct");
  static_assert(all_differ(kNames), "kvmesh: kvmesh_describe() gives two members the same name");

  static std::string text() {
    std::string out;
    std::size_t at = 0;
    ((out += (at == 0 ? "" : ", ") + std::string{kNames[at]} + ": " +
             Converter<std::remove_const_t<Held>>::text(),
      ++at),
     ...);
    return "{" + out + "}";
  }
  static std::string wanted() { return "a map " + text(); }

  static Value to(T value) {
    return std::apply(
        [&](const auto&... member) {
          return Value{Value::Map{
              {std::string{member.name},
               Converter<std::remove_const_t<Held>>::to(std::move(value.*member.at))}...}};
        },
        kDescription.list);
  }

  static std::optional<T> from(const Value& value, Mismatch& fault) {
    static_assert(std::is_default_constructible_v<T>,
                  "kvmesh: a struct that is received must be default-constructible");
    static_assert((!std::is_const_v<Held> && ...),
                  "kvmesh: a struct that is received cannot have a const member among those that "
                  "kvmesh_describe() names");
    const auto* map = value.get_if<Value::Map>();
    if (map == nullptr) {
      fault = mismatch(wanted(), value);
      return std::nullopt;
    }
    for (const auto& [name, entry] : *map) {
      if (std::find(kNames.begin(), kNames.end(), name) == kNames.end()) {
        fault = unknown_key(wanted(), name);
        return std::nullopt;
      }
    }
    std::optional<T> out{T{}};
    const bool all =
        std::apply([&](const auto&... member) { return (read(*map, member, *out, fault) && ...); },
                   kDescription.list);
    if (!all) return std::nullopt;
    return out;
  }

 private:
  template <typename Of, typename M>
  static bool read(const Value::Map& map, const describe::Member<Of, M>& member, T& out,
                   Mismatch& fault) {
    const auto entry = std::find_if(map.rbegin(), map.rend(),
                                    [&](const auto& one) { return one.first == member.name; });
    if (entry == map.rend()) {
      if constexpr (!kIsOptional<M>) fault = missing_key(wanted(), member.name);
      return kIsOptional<M>;
    }
    auto held = entry_from<M>(entry->second, member.name, fault);
    if (!held) return false;
    out.*member.at = *std::move(held);
    return true;
  }
};

template <typename T, std::size_t N>
struct DescribedConverter<T, describe::Names<T, N>> {
  static constexpr auto kDescription = kvmesh_describe(Type<T>{});
  static constexpr auto kNames = [] {
    std::array<std::string_view, N> names;
    for (std::size_t i = 0; i < N; ++i) names[i] = kDescription.list[i].first;
    return names;
  }();
  static_assert(all_differ(kNames), "kvmesh: kvmesh_describe() gives two values the same name");

  static std::string text() {
    std::string out;
    for (const auto name : kNames) out += (out.empty() ? "" : "|") + std::string{name};
    return out;
  }
  static std::string wanted() { return text(); }
  static Value to(T value) {
    for (const auto& [name, named] : kDescription.list) {
      if (named == value) return std::string{name};
    }
    using Number = std::underlying_type_t<T>;
    return static_cast<std::int64_t>(static_cast<Number>(value));
  }
  static std::optional<T> from(const Value& value, Mismatch& fault) {
    if (const auto* text = value.bytes_or_text()) {
      for (const auto& [name, named] : kDescription.list) {
        if (name == *text) return named;
      }
    }
    fault = mismatch(wanted(), value);
    return std::nullopt;
  }
};

template <Described T>
struct Converter<T> : DescribedConverter<T, decltype(kvmesh_describe(Type<T>{}))> {};

}  // namespace convert
}  // namespace kvmesh
