#include <kvmesh/status.h>

#include <array>
#include <stdexcept>

namespace kvmesh {
namespace {

constexpr std::array<std::string_view, kStatusCodeCount> kNames = {"ok",
                                                                   "not_found",
                                                                   "invalid_argument",
                                                                   "no_route",
                                                                   "unavailable",
                                                                   "outcome_unknown",
                                                                   "deadline_exceeded",
                                                                   "route_loop",
                                                                   "too_many_hops",
                                                                   "too_large",
                                                                   "overloaded",
                                                                   "full",
                                                                   "undefined_function",
                                                                   "not_text",
                                                                   "protocol_error",
                                                                   "internal",
                                                                   "task_failed",
                                                                   "cancelled",
                                                                   "denied"};

}  // namespace

std::string_view to_string(StatusCode code) {
  const auto number = static_cast<std::size_t>(code);
  return kNames[number < kNames.size() ? number : static_cast<std::size_t>(StatusCode::kInternal)];
}

std::optional<StatusCode> status_code_from_name(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<StatusCode>(i);
  }
  return std::nullopt;
}

std::optional<StatusCode> status_code_from_number(std::uint64_t number) {
  if (number >= kNames.size()) return std::nullopt;
  return static_cast<StatusCode>(number);
}

std::string Status::to_string() const {
  std::string out{kvmesh::to_string(code_)};
  if (!text_.empty()) out.append(": ").append(text_);
  return out;
}

BadResultAccess::BadResultAccess(Status status)
    : status_(std::move(status)),
      what_("a result that is not there was used: " + status_.to_string()) {}

namespace detail {

void throw_no_value(const Status& status) { throw BadResultAccess{status}; }

void throw_no_error() {
  throw std::invalid_argument{"a Result was made of a status that is ok, without a value"};
}

}  // namespace detail

}  // namespace kvmesh
