#include "common/remote/connection.h"

#include <chrono>
#include <utility>

#include <kvmesh/limits.h>

#include "common/remote/remote_mailbox.h"

namespace kvmesh::remote {
namespace {

constexpr std::uint32_t kClosed = 1U << 31;

}  // namespace

TimePoint MeshPort::now() const { return std::chrono::steady_clock::now(); }

Timeout poll_timeout() { return limits::kTaskSlice + limits::kTimeoutDefault; }

class Connection::Visit {
 public:
  explicit Visit(Connection& connection)
      : visits_(connection.visits_), open_((visits_.fetch_add(1) & kClosed) == 0) {}
  ~Visit() {
    if (visits_.fetch_sub(1) == kClosed + 1) visits_.notify_all();
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  explicit operator bool() const { return open_; }

 private:
  std::atomic<std::uint32_t>& visits_;
  bool open_;
};

std::shared_ptr<Connection> Connection::make(std::shared_ptr<MeshPort> port) {
  std::shared_ptr<Connection> connection{new Connection{std::move(port)}};
  if (connection->port_->mailbox() == nullptr) {
    connection->own_mailbox_ = std::make_shared<RemoteMailbox>(connection);
  }
  return connection;
}

Connection::~Connection() = default;

void Connection::close() {
  if (own_mailbox_ != nullptr) own_mailbox_->close();
  auto visits = visits_.fetch_or(kClosed) | kClosed;
  while (visits != kClosed) {
    visits_.wait(visits);
    visits = visits_.load();
  }
  port_.reset();  // here, and not in a callback that lets go of this last
}

bool Connection::is_closed() const { return (visits_.load() & kClosed) != 0; }

void Connection::request(Operation operation, std::function<void(Outcome)> done, Timeout timeout) {
  {
    const Visit visit{*this};
    if (visit) return port_->request(std::move(operation), std::move(done), timeout);
  }
  refuse(done);
}

void Connection::request_after(std::chrono::milliseconds pause, Operation operation,
                               std::function<void(Outcome)> done, Timeout timeout) {
  {
    const Visit visit{*this};
    if (visit) {
      return port_->request_after(pause, std::move(operation), std::move(done), timeout);
    }
  }
  refuse(done);
}

void Connection::refuse(const std::function<void(Outcome)>& done) {
  Outcome outcome;
  outcome.status = {StatusCode::kUnavailable, "the Mesh that asked has been destroyed"};
  done(std::move(outcome));
}

void Connection::write(OutputSink* sink, std::vector<OutputChunk> chunks,
                       std::function<void()> taken) {
  {
    const Visit visit{*this};
    if (visit) {
      auto& target = sink != nullptr ? *sink : port_->output();
      return target.write(std::move(chunks), std::move(taken));
    }
  }
  taken();
}

std::shared_ptr<Waiter> Connection::make_waiter() {
  const Visit visit{*this};
  return visit ? std::shared_ptr<Waiter>{port_->make_waiter()} : nullptr;
}

void Connection::push(Message message) {
  const Visit visit{*this};
  if (visit) mailbox().push(std::move(message));
}

TimePoint Connection::now() {
  const Visit visit{*this};
  return visit ? port_->now() : TimePoint{};
}

Mailbox& Connection::mailbox() {
  return own_mailbox_ != nullptr ? *own_mailbox_ : *port_->mailbox();
}

}  // namespace kvmesh::remote
