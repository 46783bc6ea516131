#include "client/command/verify/reach.h"

#include <algorithm>
#include <utility>

#include "client/command/nodes/info_text.h"

namespace kvmesh::command {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Result<Reached> reach_at(const std::string& endpoint, const std::string& name,
                         const CallTime& time) {
  auto client = connected_client({endpoint}, std::min(time.of_a_call(), kConnectMax));
  if (!client) return client.status();
  auto info = (*client)->info({}, time.of_a_call());
  if (!info) return info.status();
  if (text_at(*info, "name") != name) {
    return Status{StatusCode::kUnavailable, endpoint + " is not the address of " + name};
  }
  return Reached{*std::move(client), {}, *std::move(info)};
}

Result<Reached> reach_over(const std::string& endpoint, const std::string& name,
                           const CallTime& time) {
  auto client = connected_client({endpoint}, std::min(time.of_a_call(), kConnectMax));
  if (!client) return client.status();
  auto info = (*client)->info(name, time.of_a_call());
  if (!info) return info.status();
  return Reached{*std::move(client), name, *std::move(info)};
}

}  // namespace

CallTime::CallTime(milliseconds timeout)
    : timeout_(timeout), end_(steady_clock::now() + kCountTimeouts * timeout) {}

bool CallTime::is_over() const { return steady_clock::now() >= end_; }

milliseconds CallTime::of_a_call() const {
  const auto left = std::chrono::ceil<milliseconds>(end_ - steady_clock::now());
  return std::clamp(left, milliseconds{1}, std::max(timeout_, milliseconds{1}));
}

Status CallTime::over() const {
  return {StatusCode::kDeadlineExceeded,
          "counting takes at most " + std::to_string(kCountTimeouts) + " times --timeout, " +
              std::to_string((kCountTimeouts * timeout_).count()) + " ms, which are over"};
}

Result<Reached> reach(const Way& way, const std::string& name, const CallTime& time) {
  Status why{StatusCode::kUnavailable, "no way to " + name + " is known"};
  if (!way.address.empty()) {
    auto reached = reach_at(way.address, name, time);
    if (reached) return reached;
    why = reached.status();
  }
  if (way.knower_address.empty() || time.is_over()) return why;
  return reach_over(way.knower_address, name, time);
}

}  // namespace kvmesh::command
