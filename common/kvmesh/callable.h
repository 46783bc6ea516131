#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <kvmesh/convert.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

/// How a callable of the user's becomes a function that takes and gives Values. Implementation of
/// Module and ServerBuilder; nothing here is meant to be used otherwise.
namespace kvmesh {
class Task;
}

namespace kvmesh::callable {

template <typename... T>
struct TypeList {};

/// The parameters of a function pointer, a member function pointer (its object comes first)
/// or a class with one operator().
template <typename F>
struct Signature {};
template <typename R, typename... A>
struct Signature<R (*)(A...)> {
  using Parameters = TypeList<A...>;
};
template <typename R, typename... A>
struct Signature<R (*)(A...) noexcept> : Signature<R (*)(A...)> {};
template <typename R, typename C, typename... A>
struct Signature<R (C::*)(A...)> {
  using Parameters = TypeList<C&, A...>;
  using Called = Signature<R (*)(A...)>;
};
template <typename R, typename C, typename... A>
struct Signature<R (C::*)(A...) const> : Signature<R (C::*)(A...)> {};
template <typename R, typename C, typename... A>
struct Signature<R (C::*)(A...) noexcept> : Signature<R (C::*)(A...)> {};
template <typename R, typename C, typename... A>
struct Signature<R (C::*)(A...) const noexcept> : Signature<R (C::*)(A...)> {};
template <typename F>
requires requires { &F::operator(); }
struct Signature<F> : Signature<decltype(&F::operator())>::Called {};

/// False for generic lambdas and overloaded operators, whose parameters nobody can tell.
template <typename F>
concept HasSignature = requires {
  typename Signature<F>::Parameters;
};

/// True for mutable lambdas: tasks that run at the same time would share what they change.
template <typename F>
inline constexpr bool kIsMutable = false;
template <typename R, typename C, typename... A>
inline constexpr bool kIsMutable<R (C::*)(A...)> = true;
template <typename R, typename C, typename... A>
inline constexpr bool kIsMutable<R (C::*)(A...) noexcept> = true;
template <typename F>
requires requires { &F::operator(); }
inline constexpr bool kIsMutable<F> = kIsMutable<decltype(&F::operator())>;

/// Whether the list begins with T, and the list without it.
template <typename List, typename T>
struct Leading {
  static constexpr bool kThere = false;
  using Rest = List;
};
template <typename T, typename... A>
struct Leading<TypeList<T, A...>, T> {
  static constexpr bool kThere = true;
  using Rest = TypeList<A...>;
};

/// The same for a reference that a State& can be given to.
template <typename List, typename State>
struct LeadingState {
  static constexpr bool kThere = false;
  using Rest = List;
};
template <typename First, typename... A, typename State>
requires std::is_convertible_v<State&, First&>
struct LeadingState<TypeList<First&, A...>, State> {
  static constexpr bool kThere = true;
  using Rest = TypeList<A...>;
};

/// What a function's parameters are called in messages.
struct Role {
  std::string name;                     // "hello.add"
  std::vector<std::string> parameters;  // their types
};
Status wrong_count(const Role& role, std::size_t given);
Status wrong_type(const Role& role, std::size_t position, const Mismatch& fault);

/// The parameters that come from the call's arguments.
template <typename List>
struct Arguments;
template <typename... A>
struct Arguments<TypeList<A...>> {
  static_assert(((!std::is_lvalue_reference_v<A> ||
                  std::is_const_v<std::remove_reference_t<A>>)&&...),
                "kvmesh: a parameter is a reference that could be written to, but arguments are "
                "copies. Take it by value or as const&; Task& must be the first parameter");

  static std::vector<std::string> texts() { return {type_text<A>()...}; }

  /// Calls `body` with the converted arguments; kInvalidArgument when their number or a type is
  /// wrong.
  template <typename Body>
  static Result<Value> apply(const Role& role, const Value::List& args, Body&& body) {
    if (args.size() != sizeof...(A)) return wrong_count(role, args.size());
    return apply(role, args, body, std::index_sequence_for<A...>{});
  }

 private:
  template <typename Body, std::size_t... I>
  static Result<Value> apply(const Role& role, [[maybe_unused]] const Value::List& args, Body& body,
                             std::index_sequence<I...>) {
    std::tuple<std::optional<std::decay_t<A>>...> held;
    [[maybe_unused]] Mismatch fault;
    std::size_t at = 0;
    const bool all =
        ((at = I, std::get<I>(held) = convert::Converter<std::decay_t<A>>::from(args[I], fault),
          std::get<I>(held).has_value()) &&
         ...);
    if (!all) return wrong_type(role, at, fault);
    return body(*std::move(std::get<I>(held))...);
  }
};

template <typename T>
struct IsResult : std::false_type {};
template <typename T>
struct IsResult<Result<T>> : std::true_type {};

/// A copy of one that is there: gcc 12 takes a fresh Value that is moved for an uninitialised one
/// under sanitizers.
Result<Value> nil();

/// What `function` returns as a result: nil for nothing and for an OK Status.
template <typename Function>
Result<Value> result_of(Function&& function) {
  using Returned = std::decay_t<decltype(function())>;
  if constexpr (std::is_void_v<Returned>) {
    function();
    return nil();
  } else if constexpr (std::is_same_v<Returned, Status>) {
    Status status = function();
    if (!status.ok()) return status;
    return nil();
  } else if constexpr (IsResult<Returned>::value) {
    Returned result = function();
    if (!result) return result.status();
    return to_value(*std::move(result));
  } else {
    return to_value(function());
  }
}

/// Calls `callable` with `leading...`, then Task& when it takes one, then the converted arguments.
/// `Parameters` are those after the leading ones.
template <typename Parameters, typename Callable, typename... First>
Result<Value> run(const Role& role, Callable& callable, Task& task, const Value::List& args,
                  First&... first) {
  using Split = Leading<Parameters, Task&>;
  return Arguments<typename Split::Rest>::apply(role, args, [&](auto&&... converted) {
    return result_of([&]() -> decltype(auto) {
      if constexpr (Split::kThere) {
        return std::invoke(callable, first..., task, std::move(converted)...);
      } else {
        return std::invoke(callable, first..., std::move(converted)...);
      }
    });
  });
}

template <typename Parameters>
std::vector<std::string> parameter_texts() {
  return Arguments<typename Leading<Parameters, Task&>::Rest>::texts();
}

}  // namespace kvmesh::callable
