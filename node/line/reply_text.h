#pragma once

#include <string_view>

#include <kvmesh/status.h>

#include "common/request.h"
#include "common/wire/buffer.h"
#include "node/line/command.h"

/// The texts of the line protocol (common/PROTOCOL.md, part 2). Pure functions that append to
/// `out`.
namespace kvmesh::line {

/// The reply to a request of `verb`, as lines. What cannot be shown as lines becomes `ERROR
/// not_text`; the commands whose words may stand in quotes show everything.
void append_reply_text(wire::Buffer& out, Verb verb, const ReplyView& reply);

/// `ERROR code text` as one line, whatever bytes the text has.
void append_error(wire::Buffer& out, StatusCode code, std::string_view text);

/// The reply that the adapter gives itself. REQUIRES: not a request.
std::string_view own_reply(Verb verb);

}  // namespace kvmesh::line
