#include "node/line/line_codec.h"

#include <string>

#include "node/line/command.h"
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
  message.tag = tag_of(command.verb);
  if (!command.is_request()) {
    message.kind = Message::Kind::kConstant;
    message.ends_input = command.verb == Verb::kQuit;
    return message;
  }
  message.kind = Message::Kind::kRequest;
  message.is_costly = function_of(command.verb)->is_costly;
  request = to_request(command, scratch.words);
  return message;
}

void LineCodec::refuse(const LineSplitter::Line& line, Message& message) {
  message.kind = Message::Kind::kAnswered;
  refusal_.clear();
  if (line.too_long > 0) {
    append_error(refusal_, StatusCode::kTooLarge,
                 "line of " + std::to_string(line.too_long) +
                     " bytes or more is over the limit of " + std::to_string(line_bytes_max_));
  } else {
    message.protocol = name_of(line.foreign);
    message.ends_input = true;
    append_error(refusal_, StatusCode::kProtocolError,
                 "this port speaks the line protocol of kvmesh, not " +
                     std::string{message.protocol} + "; the connection is closed");
  }
  message.reply = refusal_.view();
}

void LineCodec::append_reply(wire::Buffer& out, Tag tag, const ReplyView& reply) const {
  append_reply_text(out, verb_of(tag), reply);
}

std::string_view LineCodec::constant(Tag tag) const { return own_reply(verb_of(tag)); }

void LineCodec::append_error(wire::Buffer& out, StatusCode code, std::string_view text) const {
  line::append_error(out, code, text);
}

}  // namespace kvmesh::line
