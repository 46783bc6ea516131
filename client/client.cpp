#include <condition_variable>
#include <mutex>
#include <span>
#include <utility>

#include <kvmesh/client.h>
#include <kvmesh/mesh.h>
#include <kvmesh/watcher.h>

#include "client/descriptors.h"
#include "client/loop.h"
#include "client/mesh_port.h"
#include "client/outcome.h"
#include "common/functions.h"

namespace kvmesh {
namespace {

// Where a blocked caller waits for its outcomes.
class Waiter {
 public:
  explicit Waiter(std::span<Outcome> outcomes) : outcomes_(outcomes), left_(outcomes.size()) {}

  // Two words in the callback, so that std::function needs no memory.
  auto done_for(std::size_t i) {
    return [this, i](Outcome outcome) { set(i, std::move(outcome)); };
  }
  void wait() {
    std::unique_lock lock{mutex_};
    all_set_.wait(lock, [this] { return left_ == 0; });
  }

 private:
  // Notifies under the lock: once the caller sees 0 this object is gone.
  void set(std::size_t i, Outcome outcome) {
    const std::lock_guard lock{mutex_};
    outcomes_[i] = std::move(outcome);
    if (--left_ == 0) all_set_.notify_one();
  }

  std::span<Outcome> outcomes_;
  std::size_t left_;
  std::mutex mutex_;
  std::condition_variable all_set_;
};

Status blocking_in_callback() {
  return {StatusCode::kInvalidArgument,
          "a callback must not block its client; use call_async() there"};
}

Operation to_node(std::string_view node, std::string function) {
  const auto target = node.empty() ? Operation::For::kHere : Operation::For::kNode;
  return {target, std::string{node}, std::move(function), {}};
}

}  // namespace

Client::Client(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::open(Options options) {
  if (auto status = client::check_descriptors(); !status.ok()) return status;
  auto loop = Loop::start(std::move(options));
  if (!loop) return loop.status();
  return std::unique_ptr<Client>{new Client{*std::move(loop)}};
}

Status Client::wait_connected(Timeout timeout) {
  if (loop_->is_own_thread()) return blocking_in_callback();
  return loop_->wait_connected(timeout);
}

std::string Client::connected_endpoint() const { return loop_->connected_endpoint(); }

Outcome Client::call(const Operation& operation, Timeout timeout) {
  Outcome outcome;
  if (loop_->is_own_thread()) {
    outcome.status = blocking_in_callback();
    return outcome;
  }
  Waiter waiter{std::span{&outcome, 1}};
  loop_->submit(operation, timeout, waiter.done_for(0));
  waiter.wait();
  return outcome;
}

std::vector<Outcome> Client::call(std::vector<Operation> batch, Timeout timeout) {
  std::vector<Outcome> outcomes(batch.size());
  if (loop_->is_own_thread()) {
    for (auto& outcome : outcomes) outcome.status = blocking_in_callback();
    return outcomes;
  }
  Waiter waiter{outcomes};
  loop_->submit(batch, timeout, [&](std::size_t i) { return waiter.done_for(i); });
  waiter.wait();
  return outcomes;
}

void Client::call_async(const Operation& operation, Callback done, Timeout timeout) {
  loop_->submit(operation, timeout, std::move(done));
}

void Client::call_after(std::chrono::milliseconds pause, const Operation& operation, Callback done,
                        Timeout timeout) {
  loop_->submit_after(pause, operation, timeout, std::move(done));
}

std::future<Outcome> Client::call_async(const Operation& operation, Timeout timeout) {
  auto promise = std::make_shared<std::promise<Outcome>>();  // shared: a std::function is copyable
  auto future = promise->get_future();
  loop_->submit(operation, timeout,
                [promise](Outcome outcome) { promise->set_value(std::move(outcome)); });
  return future;
}

Mesh& Client::mesh() {
  std::call_once(mesh_made_, [this] {
    mesh_ = std::make_unique<Mesh>(
        std::unique_ptr<remote::MeshPort>{std::make_unique<client::MeshPort>(*this)});
  });
  return *mesh_;
}

Status Client::create(std::string_view bucket, Timeout timeout) {
  return call(ops::create(bucket), timeout).status;
}
Status Client::create(std::string_view bucket, const BucketOptions& options, Timeout timeout) {
  return call(ops::create(bucket, options), timeout).status;
}
Result<BucketOptions> Client::options(std::string_view bucket, const BucketOptions& change,
                                      Timeout timeout) {
  return options_of(call(ops::options(bucket, change), timeout));
}
Status Client::drop(std::string_view bucket, Timeout timeout) {
  return call(ops::drop(bucket), timeout).status;
}
Status Client::put(std::string_view bucket, std::string_view key, std::string_view value,
                   Timeout timeout) {
  return call(ops::put(bucket, key, value), timeout).status;
}
Result<std::optional<std::string>> Client::get(std::string_view bucket, std::string_view key,
                                               Timeout timeout) {
  return client::value_of(call(ops::get(bucket, key), timeout), functions::kKvGet.name);
}
Status Client::erase(std::string_view bucket, std::string_view key, Timeout timeout) {
  return call(ops::erase(bucket, key), timeout).status;
}
Result<std::uint64_t> Client::count(std::string_view bucket, Timeout timeout) {
  return client::count_of(call(ops::count(bucket), timeout), functions::kKvCount.name);
}
Result<Names> Client::keys(std::string_view bucket, std::string_view after, std::uint32_t limit,
                           Timeout timeout) {
  return client::names_of(call(ops::keys(bucket, after, limit), timeout), functions::kKvKeys.name);
}
Result<Entries> Client::read(std::string_view bucket, const std::vector<std::string>& keys,
                             Timeout timeout) {
  return entries_of(call(ops::read(bucket, keys), timeout));
}
Result<Applied> Client::apply(std::string_view bucket, const Apply& apply, Timeout timeout) {
  return applied_of(call(ops::apply(bucket, apply), timeout));
}
Result<ScanPage> Client::scan(std::string_view bucket, const ScanOptions& options,
                              Timeout timeout) {
  return scan_page_of(call(ops::scan(bucket, options), timeout));
}
Result<Events> Client::changes(std::string_view bucket, std::uint64_t since,
                               const ChangesOptions& options, Timeout timeout) {
  return events_of(call(ops::changes(bucket, since, options), changes_timeout(options, timeout)));
}
Watcher Client::watch(std::string bucket, WatchOptions options) {
  return Watcher{mesh(), std::move(bucket), std::move(options)};
}
Result<Names> Client::buckets(std::string_view node, std::string_view after, std::uint32_t limit,
                              Timeout timeout) {
  return client::names_of(call(ops::buckets(node, after, limit), timeout),
                          functions::kKvBuckets.name);
}
Result<std::string> Client::route(std::string_view bucket, Timeout timeout) {
  return client::text_of(call(ops::route(bucket), timeout), functions::kNodeName.name);
}

Result<Value> Client::info(std::string_view node, Timeout timeout) {
  auto outcome = call(to_node(node, functions::kNodeInfo.str()), timeout);
  if (!outcome.status.ok()) return std::move(outcome.status);
  return std::move(outcome.result);
}

Result<std::chrono::microseconds> Client::ping(std::string_view node, Timeout timeout) {
  const auto begin = std::chrono::steady_clock::now();
  auto outcome = call(to_node(node, functions::kNodePing.str()), timeout);
  if (!outcome.status.ok()) return std::move(outcome.status);
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                               begin);
}

}  // namespace kvmesh
