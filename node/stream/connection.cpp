#include "node/stream/connection.h"

#include <algorithm>
#include <array>
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
// Of a client that has not said who it is.
constexpr std::size_t kLockedUnreadBytesMax = 4096;
constexpr std::chrono::seconds kLockedTimeMax{10};

}  // namespace

Connection::Connection(Server& server, std::uint64_t id, Socket socket,
                       std::unique_ptr<Codec> codec, TimePoint now)
    : server_(server),
      id_(id),
      socket_(std::move(socket)),
      codec_(std::move(codec)),
      replies_(*codec_),
      last_used_(now) {}

// A reply that needs no request takes its place in line all the same.
void Connection::answer(std::string_view text) {
  const auto place = replies_.push(Tag{});
  replies_.text_buffer(place, out_).append(text);
  replies_.answered(place, out_);
}

bool Connection::may_take_request() const {
  return !finished_ && !closed_ && !logging_in_ && replies_.size() < pipeline_max() &&
         unread_bytes() < (locked_ ? kLockedUnreadBytesMax : limits::kTcpUnreadBytesMax) &&
         (replies_.size() < kPipelineWhenFull || !server_.is_full(0));
}

std::size_t Connection::pipeline_max() const {
  return std::clamp<std::size_t>(limits::kTcpPipelineBytes / expected_bytes_, 1,
                                 limits::kTcpPipelineMax);
}

// A light client is read at once, until the socket has no more or it was much.
void Connection::ready(std::uint32_t events) {
  if (closed_) return;
  const bool was_full = !socket_.is_writable();
  socket_.note(events);
  if (was_full && socket_.is_writable()) server_.mark_dirty(*this);  // writes, and may read on
  if (waiting_ || has_read_much() || codec_->is_skipping()) return go_on();
  if (!socket_.is_readable() || !may_take_request()) return;
  last_used_ = server_.begin_turn();
  read_bytes_ = 0;
  // submit(): what was gathered lies where the next read goes.
  while (read() && socket_.is_readable() && !has_read_much()) server_.submit();
}

// False when nothing was read: there is nothing, or what is here comes first.
bool Connection::read() {
  if (may_have_message_ || !socket_.is_readable() || !may_take_request()) return false;
  auto room = in_.room(codec_->input_max());
  // No further than its longest message goes.
  if (locked_ && codec_->input_max() > in_.bytes().size()) {
    room = room.first(std::min(room.size(), codec_->input_max() - in_.bytes().size()));
  }
  const auto bytes = socket_.read(room);
  server_.mark_dirty(*this);  // also goes on, and finds the end
  if (!bytes) close();
  if (!bytes || *bytes == 0) return false;
  in_.filled(*bytes);
  read_bytes_ += *bytes;
  may_have_message_ = true;
  handle_messages();
  if (!in_.empty() && !may_have_message_ && server_.is_full(0)) refuse_unfinished_message();
  return true;
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

void Connection::refuse(StatusCode code, std::string_view text) {
  wire::Buffer refusal;
  codec_->append_error(refusal, code, text);
  answer(refusal.view());
}

// The secret is in two places here: in the input, and where the codec has put it.
void Connection::begin_login(const Message& message) {
  Login::Attempt attempt{AddressKey::of_peer(socket_.descriptor()), address(),
                         socket_.tls() != nullptr, std::string{message.user},
                         std::make_unique<security::WipedText>(std::string{message.secret})};
  in_.wipe_taken(message.taken);
  codec_->wipe_secret();
  if (identity_ == nullptr) {
    return refuse(StatusCode::kDenied,
                  "this node has no users (mesh.security), and takes everything without AUTH");
  }
  logging_in_ = true;
  server_.ask_login(*this, replies_.push(message.tag), std::move(attempt));
}

void Connection::finish_login(std::uint64_t place, Login::Answer answer) {
  if (closed_ || !logging_in_) return;
  logging_in_ = false;
  auto& text = replies_.text_buffer(place, out_);
  if (answer.status.ok()) {
    text.append(codec_->constant(replies_.tag(place)));
    become(std::move(answer.identity));
  } else {
    codec_->append_error(text, answer.status.code(), answer.status.text());
  }
  replies_.answered(place, out_);
  server_.mark_dirty(*this);
}

void Connection::become(std::unique_ptr<Identity> identity) {
  identity_ = std::move(identity);
  set_locked();
}

void Connection::set_locked() {
  const auto* user = identity_->principals->find(identity_->user);
  const auto& rights = (user != nullptr ? *user : identity_->principals->anonymous()).rights;
  permit_.emplace(user != nullptr ? std::string_view{user->name} : security::kAnonymousName,
                  rights);
  const bool locked = user == nullptr && rights.empty();
  if (locked && !locked_) locked_at_ = server_.look_at_clock();
  locked_ = locked;
  codec_->set_locked(locked);
}

bool Connection::on_principals(const std::shared_ptr<const security::Principals>& principals) {
  if (closed_) return false;
  auto& who = *identity_;
  const bool holds = who.proof == Identity::Proof::kCertificate
                         ? tls::user_of(*principals, socket_.tls()->certificate()) == who.user
                         : still_holds(who, *principals);
  if (!holds) {
    close_with(StatusCode::kDenied,
               "the principals have changed, and this user has to prove anew "
               "who it is; the connection is closed");
    return true;
  }
  who.principals = principals;
  set_locked();
  return false;
}

bool Connection::is_overdue(TimePoint now) const {
  return locked_ && !logging_in_ && now - locked_at_ > kLockedTimeMax;
}

void Connection::close_with(StatusCode code, std::string_view text) {
  if (!closed_ && out_.empty() && replies_.size() == 0) {
    wire::Buffer words;
    codec_->append_error(words, code, text);
    (void)socket_.write(words.view());
  }
  close();
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
  if (server_.is_full(0) && codec_->kept_bytes() > limits::kBufferBytesKept) {
    codec_->keep_no_more();
    server_.count_bytes(*this);
  }
  return handled;
}

void Connection::handle(const Message& message) {
  switch (message.kind) {
    case Message::Kind::kRequest: {
      // A codec that does not know of locks must not open them.
      if (locked_) return refuse(StatusCode::kDenied, "say who you are first");
      auto& request = server_.next_request().request;
      request.permit = permit_ ? &*permit_ : nullptr;
      request.who = permit_ ? permit_->asker() : std::string_view{};
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
    case Message::Kind::kLogin:
      return begin_login(message);
    case Message::Kind::kWhoAmI: {
      wire::Buffer text;
      codec_->append_identity(text, identity_ ? std::string_view{identity_->user} : "");
      answer(text.view());
      break;
    }
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
  const bool no_more =
      finished_ || (socket_.has_ended() && may_take_request() && !may_have_message_);
  if (no_more && replies_.size() == 0 && out_.empty()) {
    discard_input();
    return close();
  }
  go_on();
}

// What it has to do without news of its socket is done by turns.
void Connection::go_on() {
  if (waiting_ || closed_ || !may_take_request()) return;
  if (!may_have_message_ && !socket_.is_readable()) return;
  waiting_ = true;
  server_.wait_for_turn(*this);
}

std::size_t Connection::take_turn() {
  waiting_ = false;
  read_bytes_ = 0;
  last_used_ = server_.look_at_clock();  // it was we who let it wait
  // Each round may fill the pipeline again.
  while (may_have_message_ ? handle_messages() : !has_read_much() && read()) {
    server_.submit();
    write();
    if (server_.turn_is_over()) break;
  }
  return read_bytes_;
}

void Connection::write() {
  if (!socket_.is_writable() || closed_ || out_.empty()) return;
  const auto bytes = socket_.write(out_.view(written_));
  if (!bytes) return close();
  written_ += *bytes;
  if (*bytes > 0) last_used_ = server_.look_at_clock();
  if (written_ == out_.size()) {
    out_.clear();
    written_ = 0;
    // More is kept as long as replies are large, and there is memory for all.
    if (server_.is_full(0) || out_.capacity() > 4 * pipelined_bytes()) {
      give_back_output();
      in_.give_back();
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
}

// The kernel throws away replies that are not delivered yet when a socket is closed with input
// unread.
void Connection::discard_input() {
  socket_.write_no_more();
  std::array<char, 4096> unread;  // NOLINT: filled by the next call
  for (int rounds = 0; rounds < kDiscardRounds; ++rounds) {
    if (socket_.read(unread).value_or(0) == 0) break;
  }
}

// What the replies of a full pipeline are expected to take.
std::size_t Connection::pipelined_bytes() const {
  return std::max(limits::kBufferBytesKept, expected_bytes_);
}

void Connection::give_back() {
  give_back_output();
  replies_.give_back();
  in_.give_back();
}

void Connection::give_back_output() {
  if (out_.empty()) out_.shrink(limits::kBufferBytesKept);
}

void Connection::finish() {
  finished_ = true;
  server_.mark_dirty(*this);
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  socket_.close();
  server_.mark_dirty(*this);  // to be taken off the list of connections
}

}  // namespace kvmesh::stream
