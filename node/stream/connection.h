#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <kvmesh/limits.h>

#include "common/deadline.h"
#include "common/rights.h"
#include "common/wire/buffer.h"
#include "node/core/effects.h"
#include "node/stream/codec.h"
#include "node/stream/identity.h"
#include "node/stream/input_buffer.h"
#include "node/stream/login.h"
#include "node/stream/reply_queue.h"
#include "node/stream/socket.h"
#include "node/stream/turns.h"

namespace kvmesh::stream {

class Server;

/// One client: reads messages with its codec, gives the requests to the core, writes the replies in
/// order. Stops reading while its client leaves too much unread, so that it costs bounded memory;
/// waits for a turn (Turns) when it has more to do than a small request. Owned by its Server, on
/// the server's thread.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Server& server, std::uint64_t id, Socket socket, std::unique_ptr<Codec> codec,
             TimePoint now);

  /// Its socket has become ready (Socket::note()): reads, or waits for its turn to.
  void ready(std::uint32_t events);
  /// A reply for `place`; ignored when that place has its reply already.
  void reply(std::uint64_t place, const ReplyView& reply);
  /// Writes what the pass has gathered, and goes on reading if that made room.
  void flush();
  /// Its turn has come: handles messages that are here already, then reads on. Returns the bytes
  /// that it has read.
  std::size_t take_turn();
  /// Gives memory back that it keeps for more of what it had to do lately.
  void give_back();
  /// Who its client is from now on. A client that is nobody may take part in nothing while the
  /// principals give such a one no rights: it says AUTH, or is closed after a while. Without this
  /// call everybody may do everything.
  void become(std::unique_ptr<Identity> identity);
  /// Null in a node where everybody may do everything.
  const Identity* identity() const { return identity_.get(); }
  /// What came of the AUTH that has `place` in line.
  void finish_login(std::uint64_t place, Login::Answer answer);
  /// `principals` are in force now. Closes it when they would not take its client's proof; true
  /// then.
  bool on_principals(const std::shared_ptr<const security::Principals>& principals);
  /// Its client has had long enough to say who it is.
  bool is_overdue(TimePoint now) const;
  /// Closes it with last words, if there is room for them.
  void close_with(StatusCode code, std::string_view text);
  /// Takes no more requests; closes when all replies are out.
  void finish();
  void close();

  std::uint64_t id() const { return id_; }
  /// Its client's, as host:port; empty when it has gone.
  std::string address() const { return socket_.address(); }
  bool closed() const { return closed_; }
  /// No request under way; the client has the next move, be it to read.
  bool idle() const { return replies_.size() == 0 && !waiting_; }
  /// What it reads is thrown away.
  bool is_skipping() const { return codec_->is_skipping(); }
  /// When bytes last went either way.
  TimePoint last_used() const { return last_used_; }
  /// Replies that the client has not read.
  std::size_t unread_bytes() const { return out_.size() - written_ + replies_.waiting_bytes(); }
  /// All that it makes us keep.
  std::size_t buffered_bytes() const {
    return in_.capacity() + out_.capacity() + replies_.memory_bytes() + codec_->kept_bytes() +
           socket_.kept_bytes();
  }

  // The server's own notes.
  bool dirty = false;             // on its list for this pass
  std::size_t counted_bytes = 0;  // what of buffered_bytes() is in the server's sum

 private:
  bool read();
  bool handle_messages();
  void handle(const Message& message);
  void go_on();
  void answer(std::string_view text);
  bool may_take_request() const;
  bool has_read_much() const { return read_bytes_ >= Turns::kLargeReadBytes; }
  std::size_t pipeline_max() const;
  std::size_t pipelined_bytes() const;
  void refuse_unfinished_message();
  void begin_login(const Message& message);
  void refuse(StatusCode code, std::string_view text);
  void set_locked();
  void write();
  void give_back_output();
  void discard_input();

  Server& server_;
  std::uint64_t id_;
  Socket socket_;
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
  std::size_t read_bytes_ = 0;  // when it last became readable, or in its last turn
  bool waiting_ = false;        // for its turn
  bool logging_in_ = false;     // what comes after AUTH waits for its outcome
  bool locked_ = false;         // its client is nobody, and may do nothing
  bool finished_ = false;       // no more requests are taken
  bool closed_ = false;
  std::unique_ptr<Identity> identity_;
  std::optional<security::Permit> permit_;  // of its requests; none: everything
  TimePoint locked_at_;
};

}  // namespace kvmesh::stream
