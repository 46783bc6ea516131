#include "client/command/base/completions.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "client/command/base/interrupts.h"

namespace kvmesh::command {

Completions::Completions() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_ < 0) std::abort();
}

Completions::~Completions() { close(descriptor_); }

void Completions::add(std::uint32_t id, Outcome outcome) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = entries_.empty();
    entries_.emplace_back(id, std::move(outcome));
  }
  const std::uint64_t one = 1;
  if (first && write(descriptor_, &one, sizeof one) < 0) return;  // full: it is readable anyway
}

std::vector<Completions::Ended> Completions::take() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto cleared = read(descriptor_, &count, sizeof count);
  std::vector<Ended> taken;
  const std::lock_guard lock(mutex_);
  taken.swap(entries_);
  return taken;
}

void start_call(Client& client, const Operation& operation, std::uint32_t id,
                std::shared_ptr<Completions> to, Timeout timeout) {
  client.call_async(
      operation, [to = std::move(to), id](Outcome outcome) { to->add(id, std::move(outcome)); },
      timeout);
}

std::vector<Outcome> call_until_broken_off(Client& client, std::vector<Operation> operations,
                                           Timeout timeout) {
  if (break_descriptor() < 0) return client.call(std::move(operations), timeout);
  std::vector<Outcome> outcomes(operations.size());
  for (auto& outcome : outcomes) outcome.status = interrupted_status();
  const auto ended = std::make_shared<Completions>();  // the calls may outlive this
  for (std::size_t i = 0; i < operations.size() && !broken_off(); ++i) {
    client.call_async(
        operations[i],
        [ended, i](Outcome outcome) {
          ended->add(static_cast<std::uint32_t>(i), std::move(outcome));
        },
        timeout);
  }
  auto left = operations.size();
  while (left > 0 && !broken_off()) {
    std::array<pollfd, 2> waits{pollfd{ended->descriptor(), POLLIN, 0},
                                pollfd{break_descriptor(), POLLIN, 0}};
    if (poll(waits.data(), waits.size(), -1) < 0) continue;
    for (auto& [id, outcome] : ended->take()) {
      outcomes[id] = std::move(outcome);
      --left;
    }
  }
  return outcomes;
}

Outcome call_until_broken_off(Client& client, Operation operation, Timeout timeout) {
  std::vector<Operation> one;
  one.push_back(std::move(operation));
  return std::move(call_until_broken_off(client, std::move(one), timeout).front());
}

Status wait_connected_until_broken_off(Client& client, std::chrono::milliseconds timeout) {
  using std::chrono::steady_clock;
  if (break_descriptor() < 0) return client.wait_connected(timeout);
  constexpr std::chrono::milliseconds kSlice{50};
  const auto until = steady_clock::now() + timeout;
  while (!broken_off()) {
    const auto begin = steady_clock::now();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - begin);
    const auto slice = std::clamp(left, std::chrono::milliseconds{0}, kSlice);
    Status up = client.wait_connected(slice);
    const auto now = steady_clock::now();
    // Sooner than its time is over it ends when there is nothing to wait for.
    if (up.ok() || now >= until || now - begin < slice) return up;
  }
  return interrupted_status();
}

}  // namespace kvmesh::command
