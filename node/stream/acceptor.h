#pragma once

#include <functional>
#include <string>

#include <kvmesh/status.h>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>

#include "common/config/address.h"
#include "node/stream/server.h"
#include "node/stream/socket.h"

namespace kvmesh::stream {

/// A listening socket: accepts, counts, and hands connections on. A connection over the limit is
/// told so and closed. Lives on one reactor.
class Acceptor {
 public:
  /// Takes a connection that was counted; whoever has it in the end counts it off.
  using Handover = std::function<void(Socket)>;

  struct Options {
    std::string section;  // of the settings, for messages: "kv_server"
    std::size_t connections_max = 0;
    CodecFactory make_codec;
  };
  Acceptor(asio::io_context& loop, Options options, ConnectionCount& count, Handover handover);

  /// `where` has a number for its host; `listen` is what the settings call it. kUnavailable when it
  /// is taken or not this machine's; the text says which and what to do.
  Status bind(const HostPort& where, const std::string& listen);
  /// Where it listens, with the port that was chosen for port 0.
  std::string endpoint() const;
  void start() { accept(); }
  void stop();

 private:
  void accept();
  void handle_accepted(asio::ip::tcp::socket socket);
  void retry_later(const std::string& why);

  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer retry_;
  Options options_;
  ConnectionCount& count_;
  Handover handover_;
  bool stopped_ = false;
  bool failing_ = false;  // and the log says so
};

}  // namespace kvmesh::stream
