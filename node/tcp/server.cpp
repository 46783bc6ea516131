#include "node/tcp/server.h"

#include <utility>

#include <kvmesh/limits.h>

namespace kvmesh::tcp {

Server::Server(Options options, core::Core& core, ConnectionCount& count)
    : options_(options), core_(core), count_(count) {}

Server::~Server() {
  for (const auto& [id, connection] : connections_) connection->close();
}

void Server::add(asio::ip::tcp::socket socket) {
  const auto id = next_id_++;
  auto connection = std::make_shared<Connection>(*this, id, std::move(socket), look_at_clock());
  connections_.emplace(id, connection);
  // It was accepted when the node was stopping already.
  if (finishing_) return connection->finish();
  connection->start();
}

void Server::request(const core::Origin& origin, const Command& command) {
  auto request = to_request(command, scratch_);
  request.id = origin.request;
  request.timeout_ms = static_cast<std::uint64_t>(options_.request_timeout.count());
  core_.on_request(origin, request, now_);
}

void Server::reply(const core::Origin& origin, const ReplyView& reply) {
  const auto found = connections_.find(origin.connection);
  if (found == connections_.end()) return;
  found->second->reply(origin.request.value, reply);
  count_bytes(*found->second);
}

void Server::count_bytes(Connection& connection) {
  buffered_bytes_ -= connection.counted_bytes;
  connection.counted_bytes = connection.closed() ? 0 : connection.buffered_bytes();
  buffered_bytes_ += connection.counted_bytes;
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
}

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

void Server::tick() {
  if (options_.idle_timeout.count() == 0) return;
  look_at_clock();
  for (const auto& [id, connection] : connections_) {
    if (connection->idle() && now_ - connection->last_used() > options_.idle_timeout) {
      connection->close();
    }
  }
}

void Server::finish() {
  finishing_ = true;
  for (const auto& [id, connection] : connections_) connection->finish();
}

}  // namespace kvmesh::tcp
