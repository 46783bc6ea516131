#include "node/sim/follows.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "common/text.h"
#include "common/wire/reader.h"
#include "node/store/event.h"

namespace kvmesh::sim {
namespace {

using Event = store::Event::Kind;

struct Told {
  store::Revision rev = 0;
  Event kind = Event::kPut;
  std::string key;
  std::optional<std::uint64_t> ttl_ms;
  std::string value;
};
struct Answer {
  bool reset = false;
  store::Revision next = 0;
  std::vector<Told> changes;
};

// [reset, next, [[rev, kind, key, ttl_ms or nil, value] ...]], each without what its kind has not.
std::optional<Answer> read_answer(std::string_view result) {
  wire::Reader in{result};
  Answer out;
  if (in.read_array() != 3) return std::nullopt;
  out.reset = in.read_bool();
  out.next = in.read_uint();
  for (auto left = in.read_array(); left > 0 && !in.failed(); --left) {
    auto& change = out.changes.emplace_back();
    const auto parts = in.read_array();
    change.rev = in.read_uint();
    change.kind = static_cast<Event>(in.read_uint());
    if (parts > 2) change.key = in.read_bytes();
    if (parts > 3 && in.peek() != wire::Reader::Type::kNil) {
      change.ttl_ms = in.read_uint();
    } else if (parts > 3) {
      in.read_nil();
    }
    if (parts > 4) change.value = in.read_bytes();
  }
  return in.failed() ? std::nullopt : std::optional{std::move(out)};
}

// Goes through what was told and what was done, side by side.
class Comparison {
 public:
  Comparison(const Shadow::History& history, std::size_t from, std::uint32_t bucket,
             ToldRevisions& told)
      : history_(history), from_(from), next_(from), bucket_(bucket), told_(told) {}

  std::string add(const Told& change) {
    if (change.rev < last_) return "tells its revisions out of order";
    last_ = change.rev;
    if (change.kind == Event::kExpire) return add_end(change.key);
    if (next_ == history_.size()) {
      return "tells a change of " + in_quotes(change.key) + " that was not made, or not again";
    }
    const auto& made = history_[next_];
    const auto key = made.kind == Event::kDrop ? std::string{} : key_text(made.key);
    if (made.kind != change.kind || key != change.key ||
        (made.kind == Event::kPut && made.value != change.value)) {
      return "tells a change of " + in_quotes(change.key) + " to " + in_quotes(change.value) +
             " where the next is one of " + in_quotes(key) + " to " + in_quotes(made.value);
    }
    if (auto wrong = unless_ended(made); !wrong.empty()) return wrong;
    const bool can_end = made.kind == Event::kPut || made.kind == Event::kTouch;
    if (can_end && change.ttl_ms.has_value() != (made.expires != store::kNever)) {
      return "is wrong about whether " + in_quotes(change.key) + " expires";
    }
    ++next_;
    return told_.change(bucket_, made.execution, change.rev);
  }

  std::size_t next() const { return next_; }
  // How many changes were made together next.
  std::size_t together_next() const {
    auto end = next_;
    while (end < history_.size() && history_[end].execution == history_[next_].execution) ++end;
    return end - next_;
  }
  store::Revision last() const { return last_; }
  // Whether only a part of what was changed together was told.
  bool is_torn() const {
    return next_ > from_ && next_ < history_.size() &&
           history_[next_ - 1].execution == history_[next_].execution;
  }
  // Whether it tells of all that was done up to that execution.
  bool is_complete(std::uint64_t execution) const {
    return next_ == history_.size() || history_[next_].execution > execution;
  }

 private:
  // A key that had expired when it was changed must have been told of.
  std::string unless_ended(const Shadow::Made& made) const {
    if (made.kind == Event::kDrop) return {};
    const auto before = last_of(made.key, from_);
    if (!before || !history_[*before].has_ended(made.at) || ends_.contains(*before)) return {};
    return "does not tell that " + in_quotes(key_text(made.key)) + " expired";
  }
  std::string add_end(const std::string& key) {
    for (auto i = next_; i > 0; --i) {
      const auto& made = history_[i - 1];
      if (made.kind != Event::kDrop && key_text(made.key) != key) continue;
      if (made.kind == Event::kDrop || made.kind == Event::kDelete ||
          made.expires == store::kNever) {
        break;
      }
      if (ends_[i - 1]++ > 0) return "tells twice that " + in_quotes(key) + " expired";
      return {};
    }
    return "tells that " + in_quotes(key) + " expired, which does not expire";
  }
  // The last change of the key before the next one, if it is not before `first`.
  std::optional<std::size_t> last_of(std::uint16_t key, std::size_t first) const {
    for (auto i = next_; i > first; --i) {
      if (history_[i - 1].kind == Event::kDrop) return std::nullopt;
      if (history_[i - 1].key == key) return i - 1;
    }
    return std::nullopt;
  }

  const Shadow::History& history_;
  std::size_t from_;
  std::size_t next_;
  std::uint32_t bucket_;
  ToldRevisions& told_;
  store::Revision last_ = 0;
  std::map<std::size_t, int> ends_;  // told, by the change that set them
};

}  // namespace

store::Revision Follows::begin(std::uint32_t number) {
  const auto& request = plan_.requests[number];
  auto& asked = asked_[number];
  asked.from = places_[{request.node, request.bucket}];
  return asked.from.rev;
}

std::string Follows::judge(std::uint32_t number, NodeIndex node, const Shadow& shadow,
                           Shadow::Answer& must, std::string_view result, ToldRevisions& told) {
  const auto& request = plan_.requests[number];
  const auto answer = read_answer(result);
  if (!answer) return "answers " + in_quotes(result) + ", which is no answer to it";
  const auto found = asked_.find(number);
  const auto from = found == asked_.end() ? Place{} : found->second.from;  // its asker is gone
  const auto& history = shadow.history(request.bucket);
  const bool is_ours = from.is_known && from.node == node && from.life == shadow.lives();
  Place to{answer->next, node, shadow.lives(), must.execution, 0, true};
  if (answer->reset) {
    if (!answer->changes.empty()) return "tells changes, and to begin anew";
    if (is_ours && must.followed_since != 0 && from.told_at >= must.followed_since) {
      return "tells to begin anew, though the store was followed all the time";
    }
    to.changes = static_cast<std::size_t>(std::ranges::count_if(
        history, [&](const auto& made) { return made.execution <= must.execution; }));
    if (found != asked_.end()) found->second.to = to;
    return told.seen(request.bucket, must.execution, answer->next);
  }
  // What another store has told, or this one before it was lost, says nothing here.
  const bool is_of_disk = from.is_known && from.node == node && plan_.nodes[node].is_durable;
  if (!is_ours && !is_of_disk) return {};
  Comparison comparison{history, from.changes, request.bucket, told};
  for (const auto& change : answer->changes) {
    if (auto wrong = comparison.add(change); !wrong.empty()) return wrong;
    ++judged_;
  }
  if (comparison.is_torn()) return "tells a part of what was changed together";
  const std::size_t limit = request.value == 0 ? limits::kPageItemsDefault : request.value;
  if (!comparison.is_complete(must.execution) &&
      answer->changes.size() + comparison.together_next() <= limit) {
    return "does not tell the last changes";
  }
  if (answer->next < std::max(from.rev, comparison.last())) return "tells to go on further back";
  to.changes = comparison.next();
  if (to.changes > 0) must.sees = history[to.changes - 1].execution;
  if (found != asked_.end()) found->second.to = to;
  return {};
}

void Follows::answered(std::uint32_t number, bool is_good) {
  const auto found = asked_.find(number);
  if (found == asked_.end()) return;
  const auto& request = plan_.requests[number];
  auto& place = places_[{request.node, request.bucket}];
  if (is_good && found->second.to.is_known) {
    place = found->second.to;
  } else if (is_good) {
    place = {};
  }
  asked_.erase(found);
}

void Follows::killed(NodeIndex node) {
  std::erase_if(places_, [node](const auto& place) { return place.first.first == node; });
  std::erase_if(asked_,
                [&](const auto& asked) { return plan_.requests[asked.first].node == node; });
}

}  // namespace kvmesh::sim
