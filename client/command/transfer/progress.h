#pragma once

#include <kvmesh/value.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What an import or export says of itself: the texts, as pure functions with the time as an input,
/// and the line on the terminal that they are shown in.
namespace kvmesh::command {

struct Progress {
  std::uint64_t records = 0;  // done
  std::uint64_t failed = 0;
  std::uint64_t bytes = 0;                   // of the input, done
  std::optional<std::uint64_t> bytes_total;  // empty: not known
  std::chrono::microseconds elapsed{0};
};

/// One line of at most `width` columns: a bar, percentage and time left where the total is known;
/// records, rate and failures always.
std::string progress_line(const Progress& progress, std::size_t width);

struct Summary {
  std::string_view verb;         // "imported"
  std::string_view preposition;  // "into"
  std::uint64_t records = 0;
  std::uint64_t buckets = 0;
  std::uint64_t failed = 0;
  std::chrono::microseconds elapsed{0};
  std::vector<std::string> restarted{};  // nodes that have lost what they stored before
  std::uint64_t lost = 0;                // records that were stored before and are no longer
};

/// "imported 61234 records into 10206 buckets in 2.1 s (29159/s), 0 failed"
std::string summary_line(const Summary& summary);

/// The same as a JSON object of one line: records, buckets, failed, seconds; restarted and lost, if
/// any.
Value summary_json(const Summary& summary);

/// Records a second, rounded; what took no measurable time counts as a millisecond.
std::uint64_t rate_per_second(std::uint64_t records, std::chrono::microseconds elapsed);

/// The progress line at the bottom of a terminal: drawn on standard error, ten times a second at
/// most, and not at all when that is no terminal. One thread.
class ProgressDisplay {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `wanted`: false shows nothing.
  explicit ProgressDisplay(bool wanted = true);
  ~ProgressDisplay() { clear(); }
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  bool active() const { return active_; }
  void show(const Progress& progress, Time now);
  /// Makes room for another line on standard error.
  void clear();

 private:
  bool active_;
  bool drawn_ = false;
  Time next_;
};

}  // namespace kvmesh::command
