#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/deadline.h"
#include "common/line_budget.h"
#include "common/request.h"

namespace kvmesh::core {

/// The requests that entered the mesh at this node and took too long: each makes a line for the
/// log, with what every hop spent its time on. A flood of them makes few lines; the others are
/// counted.
/// Invariant: a note is taken from begin() to end() of one request. Owned by one core; no locks.
class SlowRequests {
 public:
  /// What the log will say of a request, kept until its end; kNone: it is not watched.
  using Note = std::uint32_t;
  static constexpr Note kNone = 0;
  static constexpr auto kLinesPerSecondMax = LineBudget::kLinesPerSecondMax;

  /// Requests that took so long are slow; zero: none is.
  void set_threshold(std::chrono::milliseconds threshold) { threshold_ = threshold; }

  /// Whether this is one to watch: it comes from a client, not from another node, and is no poll,
  /// which takes long because nothing happens.
  bool concerns(const RequestView& request) const {
    return threshold_.count() > 0 && request.hops == 0 && !is_poll(request.function);
  }
  /// REQUIRES: concerns(request).
  Note begin(const RequestView& request);
  /// The request's end, with the trace of its whole way; the line when it was slow and the log has
  /// room. REQUIRES: from begin(), and not ended yet.
  std::optional<std::string> end(Note note, const ReplyView& reply, TimePoint arrived,
                                 TimePoint now);
  /// How many lines were left out of a second that is over, told once; 0: none. Call now and then.
  std::uint64_t take_left_out(TimePoint now) { return lines_.take_left_out(now); }

 private:
  struct Kept {
    std::string function;  // its beginning
    std::string target;    // its name's beginning
    std::size_t target_bytes = 0;
    Target::Kind kind = Target::Kind::kHere;
  };

  static bool is_poll(std::string_view function);

  std::chrono::milliseconds threshold_{0};
  std::vector<Kept> kept_;  // a note is a place here, counted from 1
  std::vector<Note> free_;
  LineBudget lines_;
};

/// A trace as one line: for each hop its node and entry, its queue, and its function or the way on.
/// What a peer wrote is escaped.
std::string hops_line(std::string_view trace);

}  // namespace kvmesh::core
