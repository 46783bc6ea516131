#include "node/stream/connection.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <string>
#include <utility>

#include <kvmesh/limits.h>

#include "common/wire/record.h"
#include "node/stream/server.h"

namespace kvmesh::stream {
namespace {

constexpr int kDiscardRounds = 64;
// What changes something has such a result, and takes no more memory than its place in line.
constexpr std::size_t kSmallReply = 16;
// Requests that a connection may have under way when all of them keep as much as they may.
constexpr std::size_t kPipelineWhenFull = 4;

}  // namespace

Connection::Connection(Server& server, std::uint64_t id, asio::ip::tcp::socket socket,
                       std::unique_ptr<Codec> codec, TimePoint now)
    : server_(server),
      id_(id),
      socket_(std::move(socket)),
      codec_(std::move(codec)),
      replies_(*codec_),
      last_used_(now) {
  asio::error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
  // A client whose machine is gone must not keep its place for ever.
  socket_.set_option(asio::socket_base::keep_alive{true}, ignored);
}

// A reply that needs no request takes its place in line all the same.
void Connection::answer(std::string_view text) {
  const auto place = replies_.push(Tag{});
  replies_.text_buffer(place, out_).append(text);
  replies_.answered(place, out_);
}

bool Connection::may_take_request() const {
  return !finished_ && !closed_ && replies_.size() < pipeline_max() &&
         unread_bytes() < limits::kTcpUnreadBytesMax &&
         (replies_.size() < kPipelineWhenFull || !server_.is_full(0));
}

std::size_t Connection::pipeline_max() const {
  return std::clamp<std::size_t>(limits::kTcpPipelineBytes / expected_bytes_, 1,
                                 limits::kTcpPipelineMax);
}

void Connection::read() {
  if (reading_ || ended_ || !may_take_request()) return;
  reading_ = true;
  const auto room = in_.room(codec_->input_max());
  socket_.async_read_some(asio::buffer(room.data(), room.size()),
                          [self = shared_from_this()](asio::error_code error, std::size_t bytes) {
                            self->reading_ = false;
                            if (self->closed_) return;
                            if (!error) return self->handle_read(bytes);
                            if (error == asio::error::operation_aborted) {  // by give_back()
                              self->in_.give_back();
                              return self->read();
                            }
                            if (error != asio::error::eof) return self->close();
                            self->ended_ = true;
                            self->server_.mark_dirty(*self);
                          });
}

void Connection::handle_read(std::size_t bytes) {
  last_used_ = server_.begin_turn();
  in_.filled(bytes);
  may_have_message_ = true;
  handle_messages();
  had_much_ = bytes >= Turns::kLargeReadBytes || codec_->is_skipping();
  if (!in_.empty() && !may_have_message_ && server_.is_full(0)) refuse_unfinished_message();
  server_.mark_dirty(*this);  // also reads on
}

// A long message that is not whole yet keeps its memory for as long as its client likes; when all
// of them together keep too much, this one goes.
void Connection::refuse_unfinished_message() {
  if (in_.capacity() <= limits::kBufferBytesKept || !may_take_request()) return;
  wire::Buffer refusal;
  codec_->append_error(refusal, StatusCode::kOverloaded,
                       "this node has no memory for more long requests; the connection is closed");
  answer(refusal.view());
  finish();
}

// False when there was none.
bool Connection::handle_messages() {
  bool handled = false;
  while (may_have_message_ && may_take_request()) {
    const auto gathered = server_.next_request();
    const auto message = codec_->next(in_.bytes(), gathered.request, gathered.scratch);
    in_.take(message.taken);
    may_have_message_ = message.kind != Message::Kind::kNone && !in_.empty();
    if (message.kind == Message::Kind::kNone) break;
    handle(message);
    handled = true;
    if (server_.turn_is_over()) break;
  }
  server_.count_bytes(*this);  // at once: many connections may have a lot in one pass
  return handled;
}

void Connection::handle(const Message& message) {
  switch (message.kind) {
    case Message::Kind::kRequest: {
      const auto place = replies_.push(message.tag);
      server_.gather({server_.adapter(), id_, RequestId{place}}, message.is_costly);
      break;
    }
    case Message::Kind::kAnswered:
      answer(message.reply);
      break;
    case Message::Kind::kConstant:
      replies_.push_constant(message.tag, out_);
      break;
    case Message::Kind::kNone:
      break;
  }
  if (!message.protocol.empty()) server_.warn_of(*this, message.protocol, codec_->name());
  if (message.ends_input) finish();
}

void Connection::reply(std::uint64_t place, const ReplyView& reply) {
  if (closed_ || !replies_.is_waiting(place)) return;
  // Grows at once, shrinks by an eighth with each smaller reply.
  const auto bytes = wire::result_bytes(reply);
  expected_bytes_ = std::max({expected_bytes_ - expected_bytes_ / 8, bytes, std::size_t{8}});
  auto& text = replies_.text_buffer(place, out_);
  // That something was done is told in any case.
  if (bytes > kSmallReply && server_.is_full(bytes)) {
    codec_->append_error(text, StatusCode::kOverloaded,
                         std::string{codec_->name()} + "'s clients have left " +
                             std::to_string(server_.buffered_bytes()) +
                             " bytes unread, at the limit of " +
                             std::to_string(server_.buffered_max()));
  } else {
    codec_->append_reply(text, replies_.tag(place), reply);
  }
  replies_.answered(place, out_);
  server_.mark_dirty(*this);
}

void Connection::flush() {
  if (closed_) return;
  write();
  const bool no_more = finished_ || (ended_ && may_take_request() && !may_have_message_);
  if (no_more && replies_.size() == 0 && out_.empty()) {
    discard_input();
    return close();
  }
  go_on();
}

// After a small request at once; with messages that are here already, and after much, by turns.
void Connection::go_on() {
  if (waiting_ || reading_ || closed_ || !may_take_request()) return;
  if (!had_much_ && !may_have_message_) return read();
  waiting_ = true;
  server_.wait_for_turn(*this);
}

void Connection::take_turn() {
  waiting_ = false;
  had_much_ = false;
  last_used_ = server_.look_at_clock();  // it was we who let it wait
  // Each round may fill the pipeline again.
  while (may_have_message_ && handle_messages()) {
    server_.submit();
    write();
    if (server_.turn_is_over()) break;
  }
}

void Connection::write() {
  if (writing_ || closed_ || out_.empty()) return;
  asio::error_code error;
  const auto pending = out_.view(written_);
  const auto bytes = socket_.write_some(asio::buffer(pending.data(), pending.size()), error);
  written_ += bytes;
  if (bytes > 0) last_used_ = server_.look_at_clock();
  if (error && error != asio::error::would_block && error != asio::error::interrupted)
    return close();
  if (written_ == out_.size()) {
    out_.clear();
    written_ = 0;
    // More is kept as long as replies are large, and there is memory for all.
    if (server_.is_full(0) || out_.capacity() > 4 * pipelined_bytes()) {
      give_back_output();
      if (!reading_) in_.give_back();
    }
    return;
  }
  // A client that is always a little behind would otherwise make us keep all that it ever read.
  if (written_ >= limits::kBufferBytesKept && written_ >= out_.size() / 2) {
    wire::Buffer rest;
    rest.append(out_.view(written_));
    out_ = std::move(rest);
    written_ = 0;
  }
  writing_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_write,
                     [self = shared_from_this()](asio::error_code failed) {
                       self->writing_ = false;
                       const bool cancelled = failed == asio::error::operation_aborted;
                       if ((!failed || cancelled) && !self->closed_) {
                         self->server_.mark_dirty(*self);
                       }
                     });
}

// The kernel throws away replies that are not delivered yet when a socket is closed with input
// unread.
void Connection::discard_input() {
  asio::error_code error;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
  std::array<char, 4096> unread;  // NOLINT: filled by the next call
  for (int rounds = 0; rounds < kDiscardRounds && !error; ++rounds) {
    (void)socket_.read_some(asio::buffer(unread), error);
  }
}

// What the replies of a full pipeline are expected to take.
std::size_t Connection::pipelined_bytes() const {
  return std::max(limits::kBufferBytesKept, expected_bytes_);
}

void Connection::give_back() {
  give_back_output();
  replies_.give_back();
  if (!reading_) return in_.give_back();
  // A read that is under way fills in_'s memory: it must end before that goes. Its handler gives
  // the memory back and begins another. Cancelling takes no bytes off the socket.
  if (!in_.can_give_back()) return;
  asio::error_code ignored;
  socket_.cancel(ignored);
}

void Connection::give_back_output() {
  if (out_.empty()) out_.shrink(limits::kBufferBytesKept);
}

std::string Connection::address() const {
  asio::error_code error;
  const auto remote = socket_.remote_endpoint(error);
  if (error) return {};
  std::ostringstream text;
  text << remote;
  return text.str();
}

void Connection::finish() {
  finished_ = true;
  server_.mark_dirty(*this);
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  asio::error_code ignored;
  socket_.close(ignored);
  server_.mark_dirty(*this);  // to be taken off the list of connections
}

}  // namespace kvmesh::stream
