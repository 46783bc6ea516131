#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <kvmesh/limits.h>
#include <asio/ip/tcp.hpp>

#include "common/deadline.h"
#include "common/wire/buffer.h"
#include "node/core/effects.h"
#include "node/stream/codec.h"
#include "node/stream/input_buffer.h"
#include "node/stream/reply_queue.h"

namespace kvmesh::stream {

class Server;

/// One client: reads messages with its codec, gives the requests to the core, writes the replies in
/// order. Stops reading while its client leaves too much unread, so that it costs bounded memory;
/// waits for a turn (Turns) when it has more to do than a small request. Owned by its Server and by
/// the handlers that asio still holds; all on the server's thread.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Server& server, std::uint64_t id, asio::ip::tcp::socket socket,
             std::unique_ptr<Codec> codec, TimePoint now);

  void start() { read(); }
  /// A reply for `place`; ignored when that place has its reply already.
  void reply(std::uint64_t place, const ReplyView& reply);
  /// Writes what the pass has gathered, and goes on reading if that made room.
  void flush();
  /// Its turn has come: handles messages that are here already, then reads on.
  void take_turn();
  /// Gives memory back that it keeps for more of what it had to do lately.
  void give_back();
  /// Takes no more requests; closes when all replies are out.
  void finish();
  void close();

  std::uint64_t id() const { return id_; }
  /// Its client's, as host:port; empty when it has gone.
  std::string address() const;
  bool closed() const { return closed_; }
  /// No request under way; the client has the next move, be it to read.
  bool idle() const { return replies_.size() == 0 && !waiting_; }
  /// What it reads is thrown away.
  bool is_skipping() const { return codec_->is_skipping(); }
  /// The most that the read under way can bring; 0: none is.
  std::size_t reading_bytes() const { return reading_ ? in_.capacity() : 0; }
  /// When bytes last went either way.
  TimePoint last_used() const { return last_used_; }
  /// Replies that the client has not read.
  std::size_t unread_bytes() const { return out_.size() - written_ + replies_.waiting_bytes(); }
  /// All that it makes us keep.
  std::size_t buffered_bytes() const {
    return in_.capacity() + out_.capacity() + replies_.memory_bytes();
  }

  // The server's own notes.
  bool dirty = false;             // on its list for this pass
  std::size_t counted_bytes = 0;  // what of buffered_bytes() is in the server's sum

 private:
  void read();
  void handle_read(std::size_t bytes);
  bool handle_messages();
  void handle(const Message& message);
  void go_on();
  void answer(std::string_view text);
  bool may_take_request() const;
  std::size_t pipeline_max() const;
  std::size_t pipelined_bytes() const;
  void refuse_unfinished_message();
  void write();
  void give_back_output();
  void discard_input();

  Server& server_;
  std::uint64_t id_;
  asio::ip::tcp::socket socket_;
  std::unique_ptr<Codec> codec_;
  InputBuffer in_;
  bool may_have_message_ = false;  // in in_: it has not been looked through
  ReplyQueue replies_;
  wire::Buffer out_;
  std::size_t written_ = 0;  // of out_
  // How large the next replies may be: as the last ones. A guess at first, so that nobody begins by
  // asking for a thousand megabytes at once.
  std::size_t expected_bytes_ = limits::kTcpPipelineBytes / 128;
  TimePoint last_used_;
  bool reading_ = false;   // a read is under way
  bool had_much_ = false;  // what it sent last was a lot: goes on with its next turn
  bool waiting_ = false;   // for that turn
  bool writing_ = false;   // the socket's buffer is full: waiting for room
  bool ended_ = false;     // the client sends no more; what is here is still answered
  bool finished_ = false;  // no more requests are taken
  bool closed_ = false;
};

}  // namespace kvmesh::stream
