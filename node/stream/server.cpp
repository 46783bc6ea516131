#include "node/stream/server.h"

#include <utility>

#include <kvmesh/limits.h>
#include <spdlog/spdlog.h>

#include "common/wire/record.h"

namespace kvmesh::stream {
namespace {

constexpr std::size_t kBodyBytesKept = 2 * limits::kValueBytesMax;
// One of these goes on at once, so that what is gathered stays small.
constexpr std::size_t kLargeBodyBytes = 4096;
constexpr std::chrono::seconds kSilence{1};  // after which a connection needs no large buffers

constexpr std::chrono::minutes kBetweenWarnings{1};

}  // namespace

Server::Server(Options options, core::Core& core, ConnectionCount& count)
    : options_(std::move(options)), core_(core), count_(count) {}

Server::~Server() {
  for (const auto& [id, connection] : connections_) connection->close();
}

void Server::add(Socket socket) {
  const auto id = next_id_++;
  const int descriptor = socket.descriptor();
  std::string user{socket.user()};
  auto connection = std::make_shared<Connection>(*this, id, std::move(socket),
                                                 options_.make_codec(), look_at_clock());
  connections_.emplace(id, connection);
  if (options_.security.principals != nullptr && !identify(*connection, std::move(user))) return;
  // It was accepted when the node was stopping already.
  if (finishing_) return connection->finish();
  const auto status = ready_.add(descriptor, id);
  if (status.ok()) return;
  spdlog::warn("the connection of {} cannot be watched and is closed: {}", connection->address(),
               status.text());
  connection->close();
}

bool Server::receive(TimePoint /*now*/) {
  // Each connection comes once, so none reads over what it has gathered.
  if (!ready_.look()) return ready_.has_more();
  const auto until = look_at_clock() + core::kPassTimeMax;
  while (now_ <= until) {
    const auto ready = ready_.next();
    if (!ready) break;
    const auto found = connections_.find(ready->id);
    if (found != connections_.end()) found->second->ready(ready->events);
  }
  submit();
  return ready_.has_more();
}

void Server::gather(const core::Origin& origin, bool is_costly) {
  auto& [from, request, arrived] = gathered_[gathered_count_++];
  from = origin;
  arrived = now_;
  request.id = origin.request;
  request.timeout_ms = static_cast<std::uint64_t>(options_.request_timeout.count());
  if (is_costly || wire::body_bytes(request) > kLargeBodyBytes) {
    submit();
    turns_.look_soon();
  } else if (gathered_count_ == gathered_.size()) {
    submit();
  }
}

void Server::submit() {
  const auto count = std::exchange(gathered_count_, 0);
  core_.on_requests({gathered_.data(), count}, now_);
  for (std::size_t i = 0; i < count; ++i) {
    scratches_[i].bytes.clear();
    scratches_[i].bytes.shrink(kBodyBytesKept);
  }
}

void Server::reply(const core::Origin& origin, const ReplyView& reply) {
  const auto found = connections_.find(origin.connection);
  if (found == connections_.end()) return;
  found->second->reply(origin.request.value, reply);
  count_bytes(*found->second);
}

std::string Server::address_of(const core::Origin& origin) const {
  const auto found = connections_.find(origin.connection);
  const auto address = found == connections_.end() ? std::string{} : found->second->address();
  return address.empty() ? "a client that has gone" : address;
}

// Its certificate was looked at before, by the principals of then.
bool Server::identify(Connection& connection, std::string user) {
  auto identity = std::make_unique<Identity>();
  const auto now = options_.security.principals->get();
  identity->principals = now;
  if (user.empty()) {
    connection.become(std::move(identity));
    return true;
  }
  identity->user = std::move(user);
  identity->proof = Identity::Proof::kCertificate;
  connection.become(std::move(identity));
  return !connection.on_principals(now);
}

const Identity* Server::identity_of(const core::Origin& origin) const {
  const auto found = connections_.find(origin.connection);
  return found == connections_.end() ? nullptr : found->second->identity();
}

void Server::ask_login(const Connection& connection, std::uint64_t place, Login::Attempt attempt) {
  options_.security.login->ask(
      std::move(attempt), [this, id = connection.id(), place](Login::Answer answer) {
        auto moved = std::make_shared<Login::Answer>(std::move(answer));
        options_.security.post(
            [this, id, place, moved] { finish_login(id, place, std::move(*moved)); });
      });
}

void Server::finish_login(std::uint64_t connection, std::uint64_t place, Login::Answer answer) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  if (answer.identity) {
    auto now = options_.security.principals->get();
    if (!still_holds(*answer.identity, *now)) {
      answer = {{StatusCode::kDenied, "the principals have changed meanwhile; say it again"}, {}};
    } else {
      answer.identity->principals = std::move(now);
    }
  }
  found->second->finish_login(place, std::move(answer));
  count_bytes(*found->second);
}

void Server::on_principals() {
  const auto now = options_.security.principals->get();
  for (const auto& [id, connection] : connections_) {
    const auto from = connection->address();
    const auto user = connection->closed() ? std::string{} : connection->identity()->user;
    if (!connection->on_principals(now) || options_.security.audit == nullptr) continue;
    core::AuditEvent event;
    event.kind = core::AuditEvent::Kind::kEnded;
    event.principal = user;
    event.from = from;
    event.what = "the principals have changed";
    options_.security.audit->tell(event);
  }
}

void Server::count_bytes(Connection& connection) {
  buffered_bytes_ -= connection.counted_bytes;
  connection.counted_bytes = connection.closed() ? 0 : connection.buffered_bytes();
  buffered_bytes_ += connection.counted_bytes;
}

void Server::warn_of(const Connection& connection, std::string_view speaks, std::string_view to) {
  if (warned_at_ && now_ - *warned_at_ < kBetweenWarnings) {
    ++not_warned_of_;
    return;
  }
  warned_at_ = now_;
  const auto others = std::exchange(not_warned_of_, 0);
  spdlog::warn(
      "the client at {} speaks {} to {}; its connection is closed{}", connection.address(), speaks,
      to, others == 0 ? "" : " (as " + std::to_string(others) + " more since the last warning)");
}

void Server::mark_dirty(Connection& connection) {
  if (connection.dirty) return;
  connection.dirty = true;
  dirty_.push_back(connection.shared_from_this());
}

void Server::flush() {
  flushing_.swap(dirty_);  // flushing may mark some again: those wait for the next pass
  for (const auto& connection : flushing_) {
    connection->dirty = false;
    flush(*connection);
  }
  flushing_.clear();
  give_turns();
}

void Server::give_turns() {
  if (!turns_.is_ready()) return;
  begin_turn();
  auto share = turns_.share();
  while (const auto connection = turns_.next(share)) {
    const bool skips = connection->is_skipping();
    if (!connection->closed()) share.spend(connection->take_turn(), skips);
    flush(*connection);
  }
}

TimePoint Server::begin_turn() {
  turns_.begin(look_at_clock());
  return now_;
}

void Server::wait_for_turn(Connection& connection) { turns_.wait(connection.shared_from_this()); }

void Server::flush(Connection& connection) {
  connection.flush();
  count_bytes(connection);
  if (connection.closed() && connections_.erase(connection.id()) > 0) {
    count_.fetch_sub(1, std::memory_order_relaxed);
  }
}

bool Server::is_full(std::size_t bytes) const {
  return buffered_bytes_ + bytes > options_.buffered_max;
}

void Server::sweep(TimePoint /*now*/) {
  look_at_clock();
  const auto idle_max = options_.idle_timeout;
  for (const auto& [id, connection] : connections_) {
    const auto idle = connection->idle() ? now_ - connection->last_used() : TimePoint::duration{};
    if (idle > kSilence) connection->give_back();
    if (idle_max.count() > 0 && idle > idle_max) connection->close();
    if (connection->is_overdue(now_)) {
      connection->close_with(StatusCode::kDenied,
                             "nobody has said AUTH here for 10 s; the connection is closed");
    }
    count_bytes(*connection);
  }
}

void Server::stop(TimePoint /*now*/) {
  finishing_ = true;
  for (const auto& [id, connection] : connections_) connection->finish();
}

}  // namespace kvmesh::stream
