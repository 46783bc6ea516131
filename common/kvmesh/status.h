#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace kvmesh {

/// How a request ended. The set is closed and the same everywhere: these numbers on the wire, these
/// names (in lower snake case) in `ERROR` lines and logs, and 10 + number as the exit status of the
/// `kvmesh` command.
///
/// Every code but kOk, kOutcomeUnknown, kInternal, kTaskFailed and kCancelled means that the
/// request had no effect, so it may be sent again safely. The one exception is the end of a task
/// that had begun: kDeadlineExceeded says that it was told to stop at its limit, kTooLarge may say
/// that its result is too large to be told, and a function may return any code; what it did stands.
/// Thread safety: values; free functions are pure.
enum class StatusCode : std::uint8_t {
  kOk = 0,
  kNotFound = 1,  ///< there is no such bucket, process or server
  kInvalidArgument =
      2,         ///< the request itself is wrong: empty bucket name, wrong argument type or count
  kNoRoute = 3,  ///< some node's table has no entry for the bucket
  kUnavailable = 4,     ///< the next node cannot be reached; certainly not executed
  kOutcomeUnknown = 5,  ///< sent, but no answer came; it may or may not have been executed
  kDeadlineExceeded =
      6,             ///< its time was over before it could be executed; certainly not executed.
                     ///< Of a task: it may have begun, and was told to stop at its limit
  kRouteLoop = 7,    ///< tables point at each other; the text names the cycle
  kTooManyHops = 8,  ///< the path is longer than limits::kHopsMax
  kTooLarge = 9,  ///< a name, value, line or record is over its limit; the text holds both numbers
  kOverloaded = 10,         ///< a queue on the way is full; certainly not executed
  kFull = 11,               ///< the node's store has reached kv.memory_max; reads and deletes go on
  kUndefinedFunction = 12,  ///< the node that was reached has no such function
  kNotText = 13,        ///< the answer holds a line break and cannot be shown in the line protocol
  kProtocolError = 14,  ///< the other side broke common/PROTOCOL.md or speaks no common version
  kInternal = 15,       ///< a defect of kvmesh; please report it with the text
  kTaskFailed = 16,     ///< the function threw; the text is the exception's. It had begun: what it
                        ///< did until then stands
  kCancelled = 17,      ///< the task was told to stop; it may have begun: what it did stands
  kDenied = 18,         ///< who asks may not have that, or tasks.allow does not name the function;
                        ///< certainly not executed
};
inline constexpr int kStatusCodeCount = 19;

/// The name used in lines, logs and JSON: "no_route". Total: an out-of-range value gives
/// "internal".
std::string_view to_string(StatusCode code);

/// The inverse of to_string; empty when there is no such name.
std::optional<StatusCode> status_code_from_name(std::string_view name);

/// The code with this number; empty when it is not one of the closed set.
std::optional<StatusCode> status_code_from_number(std::uint64_t number);

/// Whether the same request may succeed when it is made again later. Only for requests that have
/// the same effect twice as once: after kOutcomeUnknown the first one may have been executed, or
/// still be.
constexpr bool is_transient(StatusCode code) {
  return code == StatusCode::kUnavailable || code == StatusCode::kOverloaded ||
         code == StatusCode::kDeadlineExceeded || code == StatusCode::kOutcomeUnknown;
}

/// A code and, unless it is kOk, a text for people: what was wrong, where, and what to do.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string text) : code_(code), text_(std::move(text)) {}
  static Status success() { return {}; }

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& text() const { return text_; }

  /// "no_route: could not find ..." or "ok".
  std::string to_string() const;

  friend bool operator==(const Status&, const Status&) = default;

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string text_;
};

/// Thrown when a Result is asked for a value that it does not have. That is a mistake: Results are
/// looked at first. One of a task ends that task only, with what() for its asker, which holds the
/// status.
class BadResultAccess : public std::exception {
 public:
  explicit BadResultAccess(Status status);
  const char* what() const noexcept override { return what_.c_str(); }
  const Status& status() const noexcept { return status_; }

 private:
  Status status_;
  std::string what_;
};

namespace detail {
[[noreturn]] void throw_no_value(const Status& status);
[[noreturn]] void throw_no_error();
}  // namespace detail

/// A value of type T, or the Status (never kOk) that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
  /// REQUIRES: !error.ok(); throws std::invalid_argument otherwise.
  Result(Status error)
      : state_(std::in_place_index<1>, std::move(error)) {  // NOLINT: implicit on purpose
    if (std::get<1>(state_).ok()) detail::throw_no_error();
  }

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  /// REQUIRES: ok(); throws BadResultAccess otherwise.
  T& value() & { return checked(state_); }
  const T& value() const& { return checked(state_); }
  T&& value() && { return std::move(checked(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  /// The reason, or an OK status when there is a value.
  Status status() const { return ok() ? Status{} : std::get<1>(state_); }

 private:
  template <typename State>
  static auto& checked(State& state) {
    if (state.index() != 0) detail::throw_no_value(std::get<1>(state));
    return *std::get_if<0>(&state);
  }
  std::variant<T, Status> state_;
};

}  // namespace kvmesh
