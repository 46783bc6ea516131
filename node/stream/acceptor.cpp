#include "node/stream/acceptor.h"

#include <sstream>
#include <utility>

#include <spdlog/spdlog.h>

#include "common/wire/buffer.h"

namespace kvmesh::stream {
namespace {

constexpr int kBacklog = 4096;
constexpr std::chrono::milliseconds kRetryAfter{100};

}  // namespace

Acceptor::Acceptor(asio::io_context& loop, Options options, ConnectionCount& count,
                   Handover handover)
    : acceptor_(loop),
      retry_(loop),
      options_(std::move(options)),
      count_(count),
      handover_(std::move(handover)) {}

Status Acceptor::bind(const HostPort& where, const std::string& listen) {
  const auto setting = options_.section + ".listen";
  const auto failed = [&](const asio::error_code& error) {
    const std::string advice = error == asio::error::address_in_use
                                   ? "another process listens there; stop it or change "
                                   : "change ";
    return Status{StatusCode::kUnavailable, setting + ": cannot listen on " + listen + ": " +
                                                error.message() + "; " + advice + setting};
  };
  asio::error_code error;
  const asio::ip::tcp::endpoint endpoint{asio::ip::make_address(where.host, error), where.port};
  if (error) return failed(error);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(asio::ip::tcp::acceptor::reuse_address{true}, error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(kBacklog, error);
  return error ? failed(error) : Status{};
}

std::string Acceptor::endpoint() const {
  asio::error_code ignored;
  std::ostringstream out;
  out << acceptor_.local_endpoint(ignored);
  return out.str();
}

void Acceptor::accept() {
  acceptor_.async_accept([this](asio::error_code error, asio::ip::tcp::socket socket) {
    if (stopped_) return;
    // No descriptors left: the connection stays in the backlog, and asking at once would only spin.
    if (error) return retry_later(error.message());
    failing_ = false;
    handle_accepted(std::move(socket));
    accept();
  });
}

void Acceptor::handle_accepted(asio::ip::tcp::socket socket) {
  asio::error_code ignored;
  if (count_.fetch_add(1, std::memory_order_relaxed) < options_.connections_max) {
    return handover_(Socket{socket.release(ignored)});
  }
  count_.fetch_sub(1, std::memory_order_relaxed);
  wire::Buffer text;
  options_.make_codec()->append_error(
      text, StatusCode::kOverloaded,
      "this node has its " + std::to_string(options_.connections_max) + " connections (" +
          options_.section + ".connections_max); try again later");
  socket.non_blocking(true, ignored);
  (void)socket.write_some(asio::buffer(text.view().data(), text.size()), ignored);
}

void Acceptor::retry_later(const std::string& why) {
  if (!failing_) {
    spdlog::warn("cannot accept a connection: {}; trying again every {} ms", why,
                 kRetryAfter.count());
  }
  failing_ = true;
  retry_.expires_after(kRetryAfter);
  retry_.async_wait([this](asio::error_code cancelled) {
    if (!cancelled && !stopped_) accept();
  });
}

void Acceptor::stop() {
  stopped_ = true;
  asio::error_code ignored;
  acceptor_.close(ignored);
  retry_.cancel();
}

}  // namespace kvmesh::stream
