#include "node/sim/sim_node.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/wire/frame.h"
#include "common/wire/pack.h"
#include "common/wire/record.h"
#include "node/sim/arguments.h"
#include "node/sim/process.h"
#include "node/sim/timing.h"

namespace kvmesh::sim {
namespace {

constexpr std::uint32_t kMesh = 1;  // adapters
constexpr std::uint32_t kAsker = 2;
constexpr std::uint64_t kAskers = ~std::uint64_t{0};  // the "connection" of a node's own askers

constexpr Micros kPassCost{20};
constexpr Micros kItemCost{2};
constexpr Micros kPassMost{10000};
constexpr Micros kLate{1000};
constexpr Micros kClockGranularity{2};

}  // namespace

SimNode::SimNode(World& world, NodeIndex index)
    : world_(world), index_(index), clock_(world.plan.seed, world.plan.nodes[index].name) {
  if (plan().is_durable) disk_ = std::make_shared<SimDisk>();
}

SimNode::~SimNode() = default;

std::size_t SimNode::in_flight() const { return process_ ? process_->core.in_flight() : 0; }

store::MemoryEngine* SimNode::memory() {
  if (!process_) return nullptr;
  if (process_->durable) return &process_->durable->memory();
  return process_->slow ? &process_->slow->memory() : process_->memory.get();
}

void SimNode::violate(std::string_view check, const std::string& what) {
  world_.violations.add(check, plan().name.str() + " " + what);
}

// What comes in.

void SimNode::take(Item item) {
  item.came = now();
  inbox_.push_back(item);
  schedule_pass();
}

void SimNode::schedule_pass() {
  if (pass_scheduled_ || state_ == State::kPaused) return;
  pass_scheduled_ = true;
  world_.events.add(std::max(now(), free_at_), EventKind::kPass, index_, 0, process_->life);
}

void SimNode::pass() {
  pass_scheduled_ = false;
  if (state_ == State::kPaused) return;
  auto cost = kPassCost;
  if (std::exchange(tick_due_, false)) {
    look_at_deadlines();
    tick_engine();
  }
  while (!inbox_.empty() && cost < kPassMost) {
    const auto item = inbox_.front();
    inbox_.pop_front();
    if (now() - item.came > kLate) excused_until_ = now();
    cost += kItemCost + for_each_;
    world_.trace.mix(static_cast<std::uint64_t>(now().count()) << 20 ^ index_);
    handle(item);
  }
  run_engine();
  free_at_ = now() + cost;
  if (cost > kLate) excused_until_ = free_at_;
  flush(free_at_);
  check_books();
  if (state_ == State::kStopping && process_->core.in_flight() == 0) stop_over();
  if (!inbox_.empty()) schedule_pass();
}

void SimNode::handle(const Item& item) {
  switch (item.kind) {
    case Item::Kind::kFrame:
      handle_frame(item.id);
      world_.network.free_frame(item.id);
      return;
    case Item::Kind::kLoss:
      return lose(item.id, item.why);
    case Item::Kind::kAsk:
      return handle_ask(item.id);
    case Item::Kind::kPeers:
      return set_topology(item.fault->second, item.fault->table);
  }
}

void SimNode::handle_ask(std::uint32_t number) {
  if (state_ == State::kStopping) return world_.oracle.not_asked(number);
  const auto& ask = world_.plan.requests[number];
  wire::Buffer body;
  auto request = wire::make_request(
      body, {Target::Kind::kBucket, world_.plan.buckets[ask.bucket]}, function_of(ask.operation),
      [&](wire::Buffer& out) { pack_arguments(out, world_.plan, number, world_.oracle); });
  request.id = {number};
  request.timeout_ms = ask.timeout_ms;
  request.flags = std::uint64_t{number} << kNumberShift;
  if (world_.recorder != nullptr) world_.recorder->asked(number, now());
  world_.oracle.asked(number, now());
  run_.push_back({{kAsker, kAskers, request.id}, request});
  hand_on();
}

void SimNode::handle_frame(FrameId id) {
  const auto& frame = world_.network.frame(id);
  const auto& connection = world_.network.at(frame.connection);
  // Of a connection that this process has not made, or no longer believes in.
  const auto life = frame.to_server ? connection.server_life : connection.dialer_life;
  if (life != process_->life || (!frame.to_server && !connection.open)) return;
  switch (frame.sort) {
    case FrameSort::kRequests:
      if (!connection.accepted) return send_sign(frame.connection, false, FrameSort::kRefused);
      return handle_requests(frame);
    case FrameSort::kReplies:
      return handle_replies(frame);
    case FrameSort::kHello:
      return handle_hello(frame);
    case FrameSort::kPing:
      if (!connection.accepted) return send_sign(frame.connection, false, FrameSort::kRefused);
      (void)observe_age(world_.network.at(frame.connection), frame);
      return send_sign(frame.connection, false, FrameSort::kPong);
    case FrameSort::kPong:
      return;
    default:
      return handle_sign(frame);
  }
}

// How old the frame is, as far as this node can know.
Micros SimNode::observe_age(Connection& connection, const Frame& frame) {
  const NodeClock sender{world_.plan.seed, world_.plan.nodes[connection.dialer].name};
  (void)connection.known.observe(frame.left, now());
  return connection.age.observe(sender.stamp(frame.left), clock_.stamp(now()));
}

// As Inbox::handle_timed() does it.
void SimNode::handle_requests(const Frame& frame) {
  const auto parsed = wire::parse_frame(frame.bytes.view());
  auto records = parsed.frame ? parsed.frame->content : std::string_view{};
  auto& connection = world_.network.at(frame.connection);
  const auto stamp = wire::take_stamp(records);
  const auto age =
      stamp ? connection.age.observe(*stamp, clock_.stamp(now())) : std::chrono::microseconds{0};
  const auto waited_ms = static_cast<std::uint64_t>(age / std::chrono::milliseconds{1});
  // Milliseconds are rounded down, and one was taken for the way.
  const auto unknown = connection.known.observe(frame.left, now());
  if (age > now() - frame.left + kClockGranularity) {
    violate("age", "takes a frame for " + std::to_string(age.count()) + " us old that is " +
                       std::to_string((now() - frame.left).count()));
  }
  std::optional<wire::Refusal> refusal;
  std::size_t place = 0;
  while (const auto record = wire::next_record(records, refusal)) {
    auto request = wire::decode_request(*record);
    if (!request) {
      refusal = wire::Refusal::kMalformed;
      break;
    }
    request->timeout_ms -= std::min(request->timeout_ms, waited_ms);
    if (world_.recorder != nullptr) {
      hand_on();  // one by one, as stories have them
      world_.recorder->delivered(frame.records[place++], now());
    }
    world_.oracle.passed_on(number_of(*request), unknown);
    run_.push_back({{kMesh, frame.connection, request->id}, *request});
    if (run_.size() == core::Core::kRunMax) hand_on();
  }
  hand_on();
  if (refusal || !parsed.frame) violate("refused_frame", "got requests that it must refuse");
}

void SimNode::hand_on() {
  if (run_.empty()) return;
  for (const auto& incoming : run_) {
    Ledger::Debt debt;
    debt.due = clock_.at(now()) + std::chrono::milliseconds{incoming.request.timeout_ms};
    debt.number = number_of(incoming.request);
    debt.hops = incoming.request.hops;
    if (!process_->ledger.add(incoming.origin, debt))
      violate("same_id", "got a request under an id in use");
    world_.load.add(process_->ledger.size());
  }
  from_connection_ = run_.front().origin.connection;
  process_->core.on_requests(run_, clock());
  run_.clear();
}

void SimNode::handle_replies(const Frame& frame) {
  const auto& link = link_of(frame.connection);
  if (link.connection != frame.connection) return;
  const auto peer = place_of(world_.network.at(frame.connection).peer);
  const auto parsed = wire::parse_frame(frame.bytes.view());
  auto records = parsed.frame ? parsed.frame->content : std::string_view{};
  std::optional<wire::Refusal> refusal;
  std::size_t place = 0;
  while (const auto record = wire::next_record(records, refusal)) {
    const auto reply = wire::decode_reply(*record);
    if (!reply) {
      refusal = wire::Refusal::kMalformed;
      break;
    }
    if (world_.recorder != nullptr) world_.recorder->delivered(frame.records[place++], now());
    passing_ = &*reply;
    process_->core.on_reply(peer, *reply);
    passing_ = nullptr;
  }
  if (refusal || !parsed.frame) violate("refused_frame", "got replies that it must refuse");
}

// What the core does.

void SimNode::forward(PeerIndex place, const RequestView& request, RequestId id, TimePoint deadline,
                      const wire::PathStep& step) {
  const auto peer = peer_at(place);
  auto& link = process_->links[peer];
  const auto to = world_.plan.nodes[peer_node(peer)].name.str();
  if (link.state != Link::State::kUp)
    violate("link_down", "sends a request to " + to + ", which is down");
  check_path(request);
  const auto own_deadline = deadline_after(clock(), request.timeout_ms);
  if (deadline >= own_deadline) {
    violate("deadline", "passes a request on with no less time than it has itself");
  }
  judge_way(request, peer_node(peer));
  auto* debt = process_->ledger.find({0, from_connection_, request.id});
  if (debt == nullptr) return violate("forwarded_twice", "forwards what it does not owe");
  const auto& over = process_->ledger.pass_on(*debt, PeerIndex{peer}, request.body.size());
  if (over.requests > world_.plan.network.window_requests ||
      over.bytes > world_.plan.network.window_bytes) {
    violate("window", "has " + std::to_string(over.requests) + " requests of " +
                          std::to_string(over.bytes) + " bytes in flight to " + to);
  }
  world_.trace.mix(id.value ^ remaining_ms(deadline, clock()) << 48);
  link.batch.add(request, id, deadline, &step);
  if (world_.recorder != nullptr) {
    link.records[id.value] = world_.recorder->sent(index_, peer_node(peer), false);
  }
  if (link.batch.bytes() >= limits::kRequestBatchBytes) seal(link);
  if (!std::exchange(link.dirty, true)) dirty_links_.push_back(peer);
}

core::Effects::Unsent SimNode::unsent(PeerIndex place) { return unsent(peer_at(place)); }

core::Effects::Unsent SimNode::unsent(std::uint16_t peer) const {
  const auto& link = process_->links[peer];
  Unsent out{link.batch.requests(), link.batch.bytes()};
  for (const auto& sealed : link.sealed) {
    out.requests += sealed.requests;
    out.bytes += sealed.bytes;
  }
  if (link.state == Link::State::kUp) out.bytes += world_.network.unsent_bytes(link.connection);
  return out;
}

void SimNode::reply(const core::Origin& origin, const ReplyView& reply) {
  const auto debt = process_->ledger.settle(origin);
  if (!debt) return violate("answered_twice", "answers what it does not owe");
  --world_.load.now;
  if (only_ && reply.code != *only_) {
    violate("wrong_code", "answers " + std::string{to_string(reply.code)} + " where only " +
                              std::string{to_string(*only_)} + " is right");
  }
  if (in_tick_ && clock_.at(now()) < debt->due)
    violate("gave_up_early", "gives up a request that has time left");
  const auto result = wire::packed_result(packed_, reply);
  world_.trace.mix(origin.connection ^ origin.request.value << 24 ^
                   static_cast<std::uint64_t>(reply.code) << 56);
  const bool is_own = engine_ends_ && (reply.code == StatusCode::kOutcomeUnknown ||
                                       reply.code == StatusCode::kDeadlineExceeded);
  const bool may_have_begun = engine_ends_ || (plan().is_durable && executing_ != nullptr);
  if (may_have_begun && !is_own && world_.oracle.has_begun(debt->number)) {
    tell(debt->number, reply, result);
  } else if (engine_ends_ && !is_own) {
    // The oracle was told when it was executed, and holds the answer against that.
  } else if (executing_ != nullptr) {
    judge_way(*executing_, index_);
    world_.oracle.executed(debt->number, index_, executing_->timeout_ms, executing_->hops,
                           reply.code, result, now(), moment());
  } else if (passing_ != nullptr) {
    if (reply.code != passing_->code || result != passing_->result) {
      violate("changed_reply", "makes " + std::string{to_string(reply.code)} + " of the answer " +
                                   std::string{to_string(passing_->code)});
    }
  } else {
    if (!only_ && !is_own) judge_failure(origin, reply.code);
    if (is_own && plan().is_durable && !has_disk_failed()) {
      violate("store", "does not know what it has done though its disk has not failed");
    }
    const bool is_over = in_tick_ || reply.code == StatusCode::kDeadlineExceeded;
    world_.oracle.failed(debt->number, reply.code, debt->hops, std::max(now(), acts_at_), is_over);
  }
  if (origin.adapter == kAsker) {
    return world_.oracle.answered(debt->number, reply.code, result, now(), excused_until_);
  }
  const auto id = static_cast<ConnectionId>(origin.connection);
  const auto& connection = world_.network.at(id);
  if (!connection.lives || !connection.accepted) return;  // nobody is there to read it
  const auto [place, added] = process_->replies.try_emplace(id);
  if (added) {
    place->second = world_.network.make_frame(id, false, FrameSort::kReplies);
    wire::begin_frame(world_.network.frame(place->second).bytes, wire::FrameKind::kReplies);
    dirty_replies_.push_back(id);
  }
  auto& frame = world_.network.frame(place->second);
  wire::append_reply(frame.bytes, reply, origin.request);
  if (world_.recorder != nullptr) {
    frame.records.push_back(world_.recorder->sent(connection.dialer, index_, true));
  }
}

void SimNode::check_books() {
  if (process_->ledger.size() == process_->core.in_flight()) return;
  violate("lost_count", "has " + std::to_string(process_->core.in_flight()) +
                            " requests in flight and owes " +
                            std::to_string(process_->ledger.size()) + " answers");
}

}  // namespace kvmesh::sim
