#include "node/core/slow_requests.h"

#include <algorithm>
#include <utility>

#include "common/functions.h"
#include "common/text.h"
#include "common/wire/reader.h"
#include "common/wire/record.h"

namespace kvmesh::core {
namespace {

using std::chrono::microseconds;

constexpr std::size_t kShownBytes = 64;

// As it is when that cannot be mistaken, else quoted.
std::string plain(std::string_view text) {
  const bool clean = !text.empty() && text.size() <= limits::kNodeNameBytesMax &&
                     std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
  return clean ? std::string{text} : in_quotes(text, kShownBytes);
}

// "12.345 ms"
std::string ms(std::uint64_t us) {
  const auto fraction = std::to_string(us % 1000);
  return std::to_string(us / 1000) + "." + std::string(3 - fraction.size(), '0') + fraction + " ms";
}

std::uint64_t less(std::uint64_t from, std::uint64_t what) { return from - std::min(from, what); }

std::string hop_text(const wire::TraceHop& hop, const std::optional<wire::TraceHop>& following) {
  auto out = plain(hop.node);
  if (!hop.entry.empty()) out += " (" + plain(hop.entry) + ")";
  out += ": queue " + ms(hop.queue_us);
  if (hop.next == hop.node) return out + ", function " + ms(hop.executed_us);
  if (hop.next.empty()) return out + ", no further";
  const auto wire = less(less(hop.elapsed_us, hop.queue_us), following ? following->elapsed_us : 0);
  out += ", wire " + ms(wire) + " to " + plain(hop.next);
  if (hop.link > 0) out += " #" + std::to_string(hop.link);
  return following ? out : out + ", which told nothing";
}

// The user's own function that a request runs: " of mine.sum", of a server " of stock.sell". Empty
// where the request has none, or is not well formed.
std::string called_by(const RequestView& request) {
  const bool is_server = request.function == functions::kServerCall.name ||
                         request.function == functions::kServerCast.name;
  if (!is_server && request.function != functions::kTaskRun.name) return {};
  wire::Reader args{request.args};
  if (args.read_array() < (is_server ? 2U : 1U)) return {};
  std::string called{args.read_bytes().substr(0, kShownBytes)};
  if (is_server) called += "." + std::string{args.read_bytes().substr(0, kShownBytes)};
  return args.failed() ? std::string{} : " of " + plain(called);
}

}  // namespace

bool SlowRequests::is_poll(std::string_view function) {
  const auto* known = functions::find(function);
  return known != nullptr && known->is_poll;
}

SlowRequests::Note SlowRequests::begin(const RequestView& request) {
  if (free_.empty()) {
    kept_.emplace_back();
    free_.push_back(static_cast<Note>(kept_.size()));
  }
  const auto note = free_.back();
  free_.pop_back();
  auto& kept = kept_[note - 1];
  kept.function = plain(request.function.substr(0, kShownBytes)) + called_by(request);
  kept.target = request.target.name.substr(0, kShownBytes);
  kept.target_bytes = request.target.name.size();
  kept.kind = request.target.kind;
  return note;
}

std::optional<std::string> SlowRequests::end(Note note, const ReplyView& reply, TimePoint arrived,
                                             TimePoint now) {
  free_.push_back(note);
  if (now - arrived < threshold_ || !lines_.take(now)) return std::nullopt;
  const auto& kept = kept_[note - 1];
  auto line = kept.function;
  if (kept.kind == Target::Kind::kNode) line += " for node " + plain(kept.target);
  if (kept.kind == Target::Kind::kBucket) line += " for bucket " + in_quotes(kept.target);
  if (kept.target_bytes > kept.target.size()) {
    line += "... (" + std::to_string(kept.target_bytes) + " bytes)";
  }
  const auto took = std::chrono::duration_cast<microseconds>(now - arrived);
  line += " ended with " + std::string{to_string(reply.code)} + " after " +
          ms(static_cast<std::uint64_t>(took.count()));
  return line + "; " + hops_line(reply.trace);
}

std::string hops_line(std::string_view trace) {
  std::string out;
  for (auto hop = wire::take_trace_hop(trace); hop;) {
    const auto following = wire::take_trace_hop(trace);
    out += (out.empty() ? "" : "; ") + hop_text(*hop, following);
    hop = following;
  }
  return out;
}

}  // namespace kvmesh::core
