#include "node/durable/durable_session.h"

#include <string>
#include <utility>
#include <variant>

namespace kvmesh::durable {
namespace {

using store::Op;
using store::OpResult;

bool changes(const Op& op) {
  using Kind = Op::Kind;
  if (op.kind == Kind::kOptions) return op.more->options.any();
  return op.kind == Kind::kCreate || op.kind == Kind::kDrop || op.kind == Kind::kPut ||
         op.kind == Kind::kErase || op.kind == Kind::kApply;
}

// The log took nothing of it: that tells nothing of what is stored.
bool is_refusal(const Status& status) {
  return status.code() == StatusCode::kUnavailable || status.code() == StatusCode::kOverloaded;
}

}  // namespace

DurableSession::DurableSession(DurableEngine& engine, store::SessionOwner& owner,
                               std::function<void()> wake)
    : engine_(engine),
      owner_(owner),
      room_(engine.log_->room(engine.places_)),
      inner_(engine.memory_, *this, std::move(wake)) {
  inner_.write_to(room_.get());
}

DurableSession::~DurableSession() { engine_.forget(*this); }

void DurableSession::execute(std::span<const Op> ops, TimePoint now) {
  (void)room_->take_seen();
  inner_.execute(take_tickets(ops), now);
  room_->flush();
}

// What changes something ends later, in any case. Who has no ticket for it must not execute it.
std::span<const Op> DurableSession::take_tickets(std::span<const Op> ops) {
  tickets_.assign(ops.size(), std::nullopt);
  left_.clear();
  bool any_refused = false;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (!changes(ops[i])) continue;
    tickets_[i] = owner_.defer(i);
    any_refused |= !tickets_[i];
  }
  if (!any_refused) return ops;
  ops_.clear();
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (changes(ops[i]) && !tickets_[i]) continue;
    ops_.push_back(ops[i]);
    left_.push_back(i);
  }
  return ops_;
}

void DurableSession::ended(std::size_t place, const OpResult& result) {
  const auto index = place_of(place);
  const auto seen = room_->take_seen();
  if (tickets_[index]) return hold(seen, *tickets_[index], true, result);
  if (engine_.reads_ == DurableEngine::Reads::kUndurable || seen <= engine_.log_->durable()) {
    return owner_.ended(index, result);
  }
  if (held_bytes_ > kHeldBytesMax) return owner_.ended(index, too_much_held());
  if (const auto ticket = owner_.defer(index)) hold(seen, *ticket, false, result);
}

std::optional<store::SessionOwner::Ticket> DurableSession::defer(std::size_t place) {
  (void)room_->take_seen();  // it sees for itself when it ends
  return owner_.defer(place_of(place));
}

void DurableSession::ended_later(Ticket ticket, const OpResult& result) {
  const auto seen = room_->take_seen();
  if (engine_.reads_ == DurableEngine::Reads::kUndurable || seen <= engine_.log_->durable()) {
    return owner_.ended_later(ticket, result);
  }
  if (held_bytes_ > kHeldBytesMax) return owner_.ended_later(ticket, too_much_held());
  hold(seen, ticket, false, result);
}

OpResult DurableSession::too_much_held() {
  return {.status = {StatusCode::kOverloaded,
                     "answers of " + std::to_string(held_bytes_) +
                         " bytes wait here until what they tell of is stored; read again later"}};
}

// About; what counts is what may be large.
std::size_t DurableSession::bytes_of(const Kept& kept) {
  std::size_t bytes = sizeof kept;
  if (kept.value) bytes += kept.value->size();
  if (!kept.found) return bytes;
  if (const auto* page = std::get_if<store::Page>(&*kept.found)) {
    for (const auto& name : page->names) bytes += sizeof(std::string) + name.size();
  } else if (const auto* read = std::get_if<store::Entries>(&*kept.found)) {
    for (const auto& entry : read->entries)
      bytes += sizeof entry + (entry ? entry->value.size() : 0);
  } else if (const auto* scan = std::get_if<store::ScanPage>(&*kept.found)) {
    for (const auto& [key, entry] : scan->items) {
      bytes += sizeof entry + key.size() + entry.value.size();
    }
  } else if (const auto* told = std::get_if<store::Events>(&*kept.found)) {
    for (const auto& event : told->events) {
      bytes += sizeof event + event.key.size() + event.value.size();
    }
  }
  return bytes;
}

void DurableSession::hold(store::Place place, Ticket ticket, bool changes, const OpResult& result) {
  Held held{place, ticket, changes, result.status, nullptr, 0};
  if (result.value || result.count || result.found != nullptr) {
    held.kept = std::make_unique<Kept>();
    if (result.value) held.kept->value = std::string{*result.value};
    held.kept->count = result.count;
    if (result.found != nullptr) held.kept->found = *result.found;
    held.bytes = bytes_of(*held.kept);
    held_bytes_ += held.bytes;
  }
  held_.push_back(std::move(held));
}

bool DurableSession::pass(TimePoint now) {
  const bool more = inner_.pass(now);
  room_->flush();
  release();
  return more;
}

void DurableSession::tick(TimePoint now) {
  inner_.tick(now);
  room_->flush();
  release();
}

// In the order in which they came: a read that need not wait so long waits behind others.
void DurableSession::release() {
  const auto durable = engine_.log_->durable();
  while (!held_.empty() && held_.front().place <= durable) {
    const auto held = std::move(held_.front());
    held_.pop_front();
    held_bytes_ -= held.bytes;
    tell(held);
  }
  if (held_.empty() || !engine_.log_->has_failed()) return;
  const auto why = "the journal failed: " + engine_.log_->failure().value_or("");
  held_bytes_ = 0;
  for (auto& held : std::exchange(held_, {})) {
    if (held.place <= durable || is_refusal(held.status)) {
      tell(held);
    } else if (held.changes && held.status.ok()) {
      fail(held.ticket,
           {StatusCode::kOutcomeUnknown, why + "; it may be there after the node's next start"});
    } else {
      fail(held.ticket, {StatusCode::kUnavailable,
                         why + "; what it would tell may be gone after the next start"});
    }
  }
}

void DurableSession::tell(const Held& held) {
  OpResult result{.status = held.status};
  if (held.kept) {
    if (held.kept->value) result.value = *held.kept->value;
    result.count = held.kept->count;
    result.found = held.kept->found ? &*held.kept->found : nullptr;
  }
  owner_.ended_later(held.ticket, result);
}

}  // namespace kvmesh::durable
