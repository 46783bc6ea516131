#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

/// Structs and enums of your own as arguments and results of calls: name their members once, in the
/// namespace of the type, right after it.
///
///     struct Item {
///       std::string name;
///       int count = 1;
///       std::optional<std::string> note;
///     };
///     constexpr auto kvmesh_describe(kvmesh::Type<Item>) {
///       return kvmesh::members("name", &Item::name, "count", &Item::count, "note", &Item::note);
///     }
///
///     enum class Colour { kRed, kGreen };
///     constexpr auto kvmesh_describe(kvmesh::Type<Colour>) {
///       return kvmesh::names("red", Colour::kRed, "green", Colour::kGreen);
///     }
///
/// A struct travels as a map, {"name": "milk", "count": 2}, and a value of an enum as its name.
/// They may stand in containers and in each other like all types of <kvmesh/convert.h>.
///
/// Received: a key that the struct does not have is refused, and so is a map without the key of a
/// member, except a std::optional, which stays as Item{} has it. A name that the enum does not have
/// is refused. Sent: a value of an enum without a name goes as its number, which receivers refuse.
/// A type that is not yours, such as std::filesystem::path: wrap it in a struct of yours.
namespace kvmesh {

/// What kvmesh_describe() takes, so that it is found for T alone.
template <typename T>
struct Type {};

namespace describe {

// Implementation of members() and names(). What is wrong gives an empty description, so that the
// compiler says no more than our sentence.

// What members() gives: a struct's members and what they are called in calls.
template <typename... M>
struct Members {
  std::tuple<M...> list;
};
template <typename Class, typename T>
struct Member {
  std::string_view name;
  T Class::*at;
};

// What names() gives: an enum's values and what they are called in calls.
template <typename Enum, std::size_t N>
struct Names {
  std::array<std::pair<std::string_view, Enum>, N> list;
};

template <typename T>
inline constexpr bool kIsName = std::is_convertible_v<T, std::string_view>;

template <typename Tuple, std::size_t... I>
constexpr bool are_members(std::index_sequence<I...>) {
  return ((kIsName<std::tuple_element_t<2 * I, Tuple>> &&
           std::is_member_object_pointer_v<std::tuple_element_t<2 * I + 1, Tuple>>)&&...);
}
template <typename Enum, typename Tuple, std::size_t... I>
constexpr bool are_values(std::index_sequence<I...>) {
  return std::is_enum_v<Enum> &&
         ((kIsName<std::tuple_element_t<2 * I, Tuple>> &&
           std::is_same_v<std::tuple_element_t<2 * I + 1, Tuple>, Enum>)&&...);
}

template <typename Class, typename T>
constexpr Member<Class, T> member(std::string_view name, T Class::*at) {
  return {name, at};
}
template <typename Tuple, std::size_t... I>
constexpr auto members(const Tuple& all, std::index_sequence<I...>) {
  std::tuple list{member(std::get<2 * I>(all), std::get<2 * I + 1>(all))...};
  return [&]<typename... M>(const std::tuple<M...>& made) { return Members<M...>{made}; }(list);
}
template <typename Enum, typename Tuple, std::size_t... I>
constexpr auto names(const Tuple& all, std::index_sequence<I...>) {
  return Names<Enum, sizeof...(I)>{{{{std::get<2 * I>(all), std::get<2 * I + 1>(all)}...}}};
}

}  // namespace describe

/// The description of a struct: members("name", &Item::name, "count", &Item::count). Each name must
/// be there once. Members of base classes may be among them; what is left out does not travel.
template <typename... NamesAndMembers>
constexpr auto members(NamesAndMembers... all) {
  constexpr std::size_t kCount = sizeof...(all);
  using Pairs = std::make_index_sequence<kCount / 2>;
  constexpr bool kFits = [] {
    if constexpr (kCount == 0 || kCount % 2 != 0) {
      return false;
    } else {
      return describe::are_members<std::tuple<NamesAndMembers...>>(Pairs{});
    }
  }();
  static_assert(kFits,
                "kvmesh: members() takes a name and a pointer to a data member for each, in turn: "
                "members(\"name\", &Item::name, \"count\", &Item::count)");
  if constexpr (kFits) {
    return describe::members(std::tuple{all...}, Pairs{});
  } else {
    return describe::Members<>{};
  }
}

/// The description of an enum: names("red", Colour::kRed, "green", Colour::kGreen). Each name must
/// be there once; of several for one value the first is sent, and all are received.
template <typename... NamesAndValues>
constexpr auto names(NamesAndValues... all) {
  constexpr std::size_t kCount = sizeof...(all);
  using Pairs = std::make_index_sequence<kCount / 2>;
  // The last one is a value.
  using Enum = std::tuple_element_t<kCount, std::tuple<int, NamesAndValues...>>;
  constexpr bool kFits = [] {
    if constexpr (kCount == 0 || kCount % 2 != 0) {
      return false;
    } else {
      return describe::are_values<Enum, std::tuple<NamesAndValues...>>(Pairs{});
    }
  }();
  static_assert(kFits,
                "kvmesh: names() takes a name and a value of the enum for each, in turn: "
                "names(\"red\", Colour::kRed, \"green\", Colour::kGreen)");
  if constexpr (kFits) {
    return describe::names<Enum>(std::tuple{all...}, Pairs{});
  } else {
    return describe::Names<Enum, 0>{};
  }
}

}  // namespace kvmesh
