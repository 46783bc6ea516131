#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "node/durable/durable_engine.h"
#include "node/store/memory_session.h"

namespace kvmesh::durable {

/// One reactor's way to a durable engine: a session in memory, whose results are held back until
/// what they tell of is durable.
class DurableSession final : public store::Session, private store::SessionOwner {
 public:
  DurableSession(DurableEngine& engine, store::SessionOwner& owner, std::function<void()> wake);
  DurableSession(const DurableSession&) = delete;
  DurableSession& operator=(const DurableSession&) = delete;
  ~DurableSession() override;

  void execute(std::span<const store::Op> ops, TimePoint now) override;
  bool pass(TimePoint now) override;
  void tick(TimePoint now) override;

 private:
  // What an operation found, of its own.
  struct Kept {
    std::optional<std::string> value;
    std::optional<std::uint64_t> count;
    std::optional<store::Found> found;
  };
  // A result that waits until all up to `place` is durable.
  struct Held {
    store::Place place = 0;
    Ticket ticket{};
    bool changes = false;  // the operation changes something
    Status status;
    std::unique_ptr<Kept> kept;  // null: it found nothing
    std::size_t bytes = 0;       // of that, about
  };
  // Reads beyond this are overloaded: a disk that stands still must not fill the memory with
  // copies.
  static constexpr std::size_t kHeldBytesMax = std::size_t{64} << 20;

  // What the session in memory tells.
  void ended(std::size_t place, const store::OpResult& result) override;
  std::optional<Ticket> defer(std::size_t place) override;
  void began(Ticket ticket) override { owner_.began(ticket); }
  void ended_later(Ticket ticket, const store::OpResult& result) override;

  std::span<const store::Op> take_tickets(std::span<const store::Op> ops);
  std::size_t place_of(std::size_t index) const { return left_.empty() ? index : left_[index]; }
  void hold(store::Place place, Ticket ticket, bool changes, const store::OpResult& result);
  store::OpResult too_much_held();
  static std::size_t bytes_of(const Kept& kept);
  void tell(const Held& held);
  void fail(Ticket ticket, const Status& status) { owner_.ended_later(ticket, {.status = status}); }
  void release();

  DurableEngine& engine_;
  store::SessionOwner& owner_;
  std::unique_ptr<store::LogRoom> room_;
  store::MemorySession inner_;
  std::deque<Held> held_;
  std::size_t held_bytes_ = 0;
  // Of what is executed, by its place there: tickets of those that change something.
  std::vector<std::optional<Ticket>> tickets_;
  // When some were refused: the others, and their places among all. Else empty.
  std::vector<store::Op> ops_;
  std::vector<std::size_t> left_;
};

}  // namespace kvmesh::durable
