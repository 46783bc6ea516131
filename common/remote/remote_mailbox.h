#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <kvmesh/message.h>
#include <kvmesh/operation.h>
#include <kvmesh/pid.h>
#include <kvmesh/status.h>

#include "common/remote/connection.h"
#include "common/remote/requests.h"
#include "common/remote/waiters.h"

namespace kvmesh::remote {

/// The mailbox of a program: a process at the node that it is connected to, whose messages are
/// fetched all the time and wait here. Once limits::kMailboxMessagesMax or kMailboxBytesMax wait
/// here, further ones stay at the node, which refuses what is over its own bounds.
/// Opened at first use. When a request for messages fails the mailbox is lost: receive() says so
/// once, and the next use opens another.
/// Invariant: at most one request is under way.
/// Thread-safe; with its lock held it calls Waiter::wake() only.
class RemoteMailbox : public Mailbox, public std::enable_shared_from_this<RemoteMailbox> {
 public:
  explicit RemoteMailbox(std::weak_ptr<Connection> connection);

  Result<Pid> self() override;
  std::optional<Pid> known_self() const override;
  Result<Message> receive(TimePoint until) override;
  void push(Message message) override;

  /// Tells the node that nobody wants it any more, and waits a moment for its answer, so that the
  /// mailbox is gone when the program is. A node that cannot be told forgets it by itself, when
  /// limits::kTaskLease is over.
  void close();

 private:
  enum class State { kShut, kOpening, kOpen };
  struct Waiting {
    Message message;
    std::size_t bytes;
  };

  void open(Connection& connection);
  void on_opened(Outcome outcome);
  void fetch();
  void on_fetched(Outcome outcome);
  void lose(const Status& why);
  bool has_room() const;
  void put(Message message);
  void drop_outdated(const Message& event);
  std::optional<Message> take();

  const std::weak_ptr<Connection> connection_;
  mutable std::mutex mutex_;
  State state_ = State::kShut;
  std::optional<Ticket> ticket_;  // when open
  std::optional<Status> fault_;   // why it could not be opened
  std::optional<Status> loss_;    // what receive() is to say
  std::deque<Waiting> messages_;
  std::size_t bytes_ = 0;
  Waiters waiters_;
};

}  // namespace kvmesh::remote
