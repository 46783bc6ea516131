#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "node/store/change.h"
#include "node/store/revision.h"

namespace kvmesh::store {

/// How the answer to a call with an id stands in the log: one msgpack value.
std::string pack_answer(const Applied& answer, Moment at);

struct AnswerNote {
  Applied answer;
  Moment at = 0;
};
/// None: these bytes are no such answer.
std::optional<AnswerNote> read_answer(std::string_view bytes);

/// What the log needs for an answer to so many changes and its id, at most.
std::size_t answer_bytes(std::size_t changes);

}  // namespace kvmesh::store
