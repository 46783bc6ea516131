#include "node/line/line_codec.h"

#include <algorithm>
#include <string>
#include <utility>

#include "node/line/reply_text.h"

namespace kvmesh::line {
namespace {

using stream::Foreign;
using stream::LineSplitter;
using stream::Message;
using stream::RequestScratch;
using stream::Tag;

Tag tag_of(Verb verb) { return static_cast<Tag>(verb); }
Verb verb_of(Tag tag) { return static_cast<Verb>(tag); }

// Long enough for AUTH, and for what else somebody may say who is not known.
constexpr std::size_t kLockedLineBytesMax = 4096;

bool is_for_everybody(Verb verb) {
  switch (verb) {
    case Verb::kAuth:
    case Verb::kWhoAmI:
    case Verb::kPing:
    case Verb::kHelp:
    case Verb::kQuit:
      return true;
    default:
      return false;
  }
}

Status without_begin(std::string_view word) {
  return {StatusCode::kInvalidArgument, std::string{word} + " wants a BEGIN bucket before it"};
}

}  // namespace

Message LineCodec::next(std::string_view input, RequestView& request, RequestScratch& scratch) {
  Message message;
  const auto line = lines_.next(input, message.taken);
  if (!line) return message;
  if (line->too_long > 0 || line->foreign != Foreign::kNone) {
    refuse(*line, message);
    return message;
  }
  const auto command = parse_command(line->text);
  if (locked_ && !is_for_everybody(command.verb)) {
    answer_error({StatusCode::kDenied, "say AUTH user secret first"}, message);
    return message;
  }
  if (command.verb == Verb::kAuth) {
    next_login(line->text, message);
    return message;
  }
  if (command.has_data_words) {
    next_data_command(command.verb, line->text, request, scratch.bytes, message);
    return message;
  }
  if (command.verb == Verb::kUnknown) {
    answer_unknown(message);
    return message;
  }
  message.tag = tag_of(command.verb);
  if (!command.is_request()) {
    message.kind =
        command.verb == Verb::kWhoAmI ? Message::Kind::kWhoAmI : Message::Kind::kConstant;
    message.ends_input = command.verb == Verb::kQuit;
    return message;
  }
  message.kind = Message::Kind::kRequest;
  message.is_costly = function_of(command.verb)->is_costly;
  request = to_request(command, scratch.words);
  return message;
}

std::size_t LineCodec::line_limit() const {
  return locked_ ? std::min(kLockedLineBytesMax, line_bytes_max_) : line_bytes_max_;
}

void LineCodec::set_locked(bool locked) {
  locked_ = locked;
  lines_.set_line_bytes_max(line_limit());
}

// Whatever is wrong with it, nothing of it may be told: it may be the secret.
void LineCodec::next_login(std::string_view line, Message& message) {
  const auto fault = words_.split(line);
  if (!fault.ok() || words_.size() != form_of(Verb::kAuth)->words_max) {
    words_.wipe();
    return answer_error(
        {StatusCode::kInvalidArgument,
         "AUTH takes a user and a secret, in quotes when they hold blanks or quotes"},
        message);
  }
  if (transaction_) {
    words_.wipe();
    return answer_error({StatusCode::kInvalidArgument, "AUTH cannot stand in a transaction"},
                        message);
  }
  message.kind = Message::Kind::kLogin;
  message.tag = tag_of(Verb::kAuth);
  message.user = words_.all()[1];
  message.secret = words_.all()[2];
}

void LineCodec::next_data_command(Verb verb, std::string_view line, RequestView& request,
                                  wire::Buffer& scratch, Message& message) {
  const auto& form = *form_of(verb);
  const bool inside = transaction_ != nullptr;
  auto fault = words_.split(line);
  if (fault.ok() && !takes_words(form, words_.size(), inside)) return answer_unknown(message);
  message.tag = tag_of(verb);
  if (fault.ok()) {
    const auto command = read_data_command(form, words_.all(), inside);
    fault = command ? take(*command, request, scratch, message) : command.status();
  }
  words_.give_back();
  if (!fault.ok()) answer_error(fault, message);
}

// A command that its words are right for.
Status LineCodec::take(const DataCommand& command, RequestView& request, wire::Buffer& scratch,
                       Message& message) {
  message.kind = Message::Kind::kConstant;  // OK
  const bool inside = transaction_ != nullptr;
  switch (command.verb) {
    case Verb::kBegin:
      if (inside) return {StatusCode::kInvalidArgument, "BEGIN stands in a transaction already"};
      transaction_ = std::make_unique<Transaction>(command.bucket);
      return {};
    case Verb::kCheck:
      if (!inside) return without_begin("CHECK");
      return transaction_->add(command);
    case Verb::kAbort:
      if (!inside) return without_begin("ABORT");
      transaction_.reset();
      return {};
    case Verb::kCommit:
      if (!inside) return without_begin("COMMIT");
      message.kind = Message::Kind::kRequest;
      message.is_costly = true;
      return commit(command, request, scratch);
    default:
      break;
  }
  if (inside && command.is_change()) {
    message.tag = tag_of(Verb::kCheck);  // taken note of, as that is
    return transaction_->add(command);
  }
  message.kind = Message::Kind::kRequest;
  message.is_costly = command.verb == Verb::kScan;
  request = to_request(command, scratch);
  return {};
}

Status LineCodec::commit(const DataCommand& command, RequestView& request, wire::Buffer& scratch) {
  const auto transaction = std::exchange(transaction_, nullptr);
  const auto made = transaction->commit(command.once, scratch);
  if (made) request = *made;
  return made.status();
}

void LineCodec::refuse(const LineSplitter::Line& line, Message& message) {
  if (line.too_long > 0) {
    message.ends_input = locked_;
    return answer_error({StatusCode::kTooLarge,
                         "line of " + std::to_string(line.too_long) +
                             " bytes or more is over the limit of " + std::to_string(line_limit()) +
                             (locked_ ? " before AUTH; the connection is closed" : "")},
                        message);
  }
  message.protocol = name_of(line.foreign);
  message.ends_input = true;
  answer_error({StatusCode::kProtocolError, "this port speaks the line protocol of kvmesh, not " +
                                                std::string{message.protocol} +
                                                "; the connection is closed"},
               message);
}

void LineCodec::answer_error(const Status& fault, Message& message) {
  fail_transaction(fault);
  message.kind = Message::Kind::kAnswered;
  refusal_.clear();
  append_error(refusal_, fault.code(), fault.text());
  message.reply = refusal_.view();
}

void LineCodec::answer_unknown(Message& message) {
  fail_transaction({StatusCode::kInvalidArgument, "UNKNOWN COMMAND"});
  message.kind = Message::Kind::kConstant;
  message.tag = tag_of(Verb::kUnknown);
}

// A line that was refused may have been a part of it.
void LineCodec::fail_transaction(const Status& fault) {
  if (transaction_) transaction_->fail(fault);
}

void LineCodec::keep_no_more() {
  fail_transaction({StatusCode::kOverloaded, "this node has no memory for more transactions"});
}

void LineCodec::append_reply(wire::Buffer& out, Tag tag, const ReplyView& reply) const {
  append_reply_text(out, verb_of(tag), reply);
}

std::string_view LineCodec::constant(Tag tag) const { return own_reply(verb_of(tag)); }

void LineCodec::append_identity(wire::Buffer& out, std::string_view name) const {
  out.append(name.empty() ? "anonymous" : name);
  out.append("\r\nOK\r\n");
}

void LineCodec::append_error(wire::Buffer& out, StatusCode code, std::string_view text) const {
  line::append_error(out, code, text);
}

}  // namespace kvmesh::line
