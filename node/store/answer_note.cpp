#include "node/store/answer_note.h"

#include <cstddef>
#include <cstdint>

#include <kvmesh/limits.h>

#include "common/wire/buffer.h"
#include "common/wire/pack.h"
#include "common/wire/reader.h"
#include "node/journal/change.h"

namespace kvmesh::store {

// [when, revision, for each change the number that was stored, or whether the key was there]
std::string pack_answer(const Applied& answer, Moment at) {
  wire::Buffer out;
  wire::pack_array(out, 3);
  wire::pack_uint(out, at);
  wire::pack_uint(out, answer.rev);
  wire::pack_array(out, answer.each.size());
  for (const auto& each : answer.each) {
    wire::pack_array(out, 2);
    wire::pack_bool(out, each.was_there);
    each.number ? wire::pack_int(out, *each.number) : wire::pack_nil(out);
  }
  return std::string{out.view()};
}

std::optional<AnswerNote> read_answer(std::string_view bytes) {
  wire::Reader in{bytes};
  AnswerNote out;
  if (in.read_array() != 3) return std::nullopt;
  out.at = in.read_uint();
  out.answer.rev = in.read_uint();
  const auto count = in.read_array();
  if (count > limits::kApplyChangesMax) return std::nullopt;
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    if (in.read_array() != 2) return std::nullopt;
    Applied::Each each;
    each.was_there = in.read_bool();
    if (in.peek() == wire::Reader::Type::kNil) {
      in.read_nil();
    } else {
      each.number = in.read_int();
    }
    out.answer.each.push_back(each);
  }
  if (in.failed()) return std::nullopt;
  return out;
}

std::size_t answer_bytes(std::size_t changes) {
  constexpr std::size_t kHead = 24;
  constexpr std::size_t kEach = 11;
  return journal::staged_bytes(limits::kOnceIdBytes, kHead + changes * kEach);
}

}  // namespace kvmesh::store
