#include "common/remote/remote_mailbox.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include <kvmesh/limits.h>

#include "common/remote/poll.h"

namespace kvmesh::remote {
namespace {

constexpr std::uint32_t kFetchMax = 1000;  // messages in one answer

// Longer than the request itself may take, which says more.
constexpr auto kOpenWait = 2 * limits::kTimeoutDefault;
constexpr std::chrono::milliseconds kCloseWait{200};

Status nothing_came() { return {StatusCode::kDeadlineExceeded, "no message came"}; }

bool is_node_event(const Message& message) {
  return message.kind == MessageKind::kNodeUp || message.kind == MessageKind::kNodeDown;
}

Status closed() { return {StatusCode::kUnavailable, "the Mesh has been destroyed"}; }

}  // namespace

RemoteMailbox::RemoteMailbox(std::weak_ptr<Connection> connection)
    : connection_(std::move(connection)) {}

Result<Pid> RemoteMailbox::self() {
  const auto connection = connection_.lock();
  if (connection == nullptr) return closed();
  bool opens = false;
  {
    const std::lock_guard lock{mutex_};
    if (state_ == State::kOpen) return ticket_->pid;
    opens = state_ == State::kShut;
    state_ = State::kOpening;
  }
  if (opens) open(*connection);
  const bool ended = Waiters::wait(waiters_, mutex_, *connection, connection->now() + kOpenWait,
                                   [this] { return state_ != State::kOpening; });
  const std::lock_guard lock{mutex_};
  if (ticket_) return ticket_->pid;
  if (ended && fault_) return *fault_;
  return Status{StatusCode::kUnavailable, "a mailbox could not be opened in time"};
}

std::optional<Pid> RemoteMailbox::known_self() const {
  const std::lock_guard lock{mutex_};
  if (!ticket_) return std::nullopt;
  return ticket_->pid;
}

Result<Message> RemoteMailbox::receive(TimePoint until) {
  const auto connection = connection_.lock();
  if (connection == nullptr) return closed();
  const bool waits = until > connection->now();
  {
    const std::lock_guard lock{mutex_};
    if (auto message = take()) return *std::move(message);
    if (!waits) return nothing_came();
    if (loss_) return *std::exchange(loss_, std::nullopt);
  }
  if (auto pid = self(); !pid) return pid.status();
  std::optional<Message> message;
  std::optional<Status> loss;
  Waiters::wait(waiters_, mutex_, *connection, until, [&] {
    message = take();
    if (!message) loss = std::exchange(loss_, std::nullopt);
    return message || loss;
  });
  if (message) return *std::move(message);
  return loss ? *std::move(loss) : nothing_came();
}

void RemoteMailbox::push(Message message) {
  const std::lock_guard lock{mutex_};
  // As many again as come from the node: they are few, one for each monitor and each failed send.
  if (messages_.size() >= 2 * limits::kMailboxMessagesMax) {
    if (!is_node_event(message)) return;
    drop_outdated(message);
  }
  put(std::move(message));
  waiters_.wake_all();
}

void RemoteMailbox::close() {
  const auto connection = connection_.lock();
  std::optional<Ticket> ticket;
  {
    const std::lock_guard lock{mutex_};
    ticket.swap(ticket_);
    state_ = State::kShut;
    fault_ = closed();
  }
  if (connection == nullptr || !ticket) return;
  const std::shared_ptr<Waiter> answered = connection->make_waiter();
  if (answered == nullptr) return;
  connection->request(
      close_request(*ticket), [answered](const Outcome&) { answered->wake(); }, kCloseWait);
  (void)answered->wait_until(connection->now() + kCloseWait);
}

void RemoteMailbox::open(Connection& connection) {
  connection.request(
      open_request(),
      [self = shared_from_this()](Outcome outcome) { self->on_opened(std::move(outcome)); }, {});
}

void RemoteMailbox::on_opened(Outcome outcome) {
  {
    const std::lock_guard lock{mutex_};
    if (state_ != State::kOpening) return;
    auto ticket = outcome.status.ok() ? ticket_of(outcome.result) : std::nullopt;
    if (!ticket) {
      fault_ = outcome.status.ok()
                   ? Status{StatusCode::kProtocolError,
                            "the node's answer to process.open is not a node, an id and a key"}
                   : std::move(outcome.status);
      state_ = State::kShut;
      waiters_.wake_all();
      return;
    }
    ticket_ = std::move(ticket);
    state_ = State::kOpen;
    waiters_.wake_all();
  }
  fetch();
}

void RemoteMailbox::fetch() {
  std::optional<Operation> operation;
  {
    const std::lock_guard lock{mutex_};
    if (!ticket_) return;
    operation = receive_request(*ticket_, kFetchMax, has_room());
  }
  const auto connection = connection_.lock();
  if (connection == nullptr) return;
  poll(connection, *std::move(operation),
       [self = shared_from_this()](Outcome outcome) { self->on_fetched(std::move(outcome)); });
}

void RemoteMailbox::on_fetched(Outcome outcome) {
  {
    const std::lock_guard lock{mutex_};
    if (!ticket_) return;  // closed in the meantime
    if (!outcome.status.ok()) return lose(outcome.status);
    auto messages = messages_of(std::move(outcome.result));
    if (!messages) {
      return lose({StatusCode::kProtocolError,
                   "the node's answer to process.receive is not a list of messages"});
    }
    for (auto& message : *messages) put(std::move(message));
    if (!messages->empty()) waiters_.wake_all();
  }
  fetch();
}

// With the lock held, as all below.
void RemoteMailbox::lose(const Status& why) {
  loss_ = Status{why.code(), "the mailbox " + ticket_->pid.to_string() + " is lost: " + why.text()};
  ticket_.reset();
  state_ = State::kShut;
  waiters_.wake_all();
}

// Earlier events of this node that mean nothing beside `event`: so there are at most two for each,
// and they may always come in.
void RemoteMailbox::drop_outdated(const Message& event) {
  std::erase_if(messages_, [&](const Waiting& earlier) {
    const auto& its = earlier.message;
    const bool same_node =
        is_node_event(its) && its.sender == event.sender && its.seen_by == event.seen_by;
    const bool outdated =
        same_node && (event.kind == MessageKind::kNodeDown || its.kind == MessageKind::kNodeUp);
    if (outdated) bytes_ -= earlier.bytes;
    return outdated;
  });
}

bool RemoteMailbox::has_room() const {
  return messages_.size() < limits::kMailboxMessagesMax && bytes_ < limits::kMailboxBytesMax;
}

void RemoteMailbox::put(Message message) {
  const auto bytes = sizeof(Message) + size_of(message.body);
  bytes_ += bytes;
  messages_.push_back({std::move(message), bytes});
}

std::optional<Message> RemoteMailbox::take() {
  if (messages_.empty()) return std::nullopt;
  auto message = std::move(messages_.front().message);
  bytes_ -= messages_.front().bytes;
  messages_.pop_front();
  return message;
}

}  // namespace kvmesh::remote
