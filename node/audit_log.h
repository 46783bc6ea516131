#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <kvmesh/status.h>

#include "node/core/audit.h"
#include "node/log_writer.h"

namespace kvmesh {

/// The audit log: each event is one JSON object, a line of a file of its own or, without one, of
/// the node's log. The last ones are kept for those who follow it. Events that are alike, but for
/// those of administration, are bounded: of one kind, principal and address ten lines a second are
/// written, and the next one says how many were left out. Writing is a thread's of its own, so
/// nobody waits for the disk; lines that find its queue full are lost, and the file says how many.
/// Thread-safe.
class AuditLog final : public core::Audit {
 public:
  static constexpr std::size_t kKept = 1024;  // lines
  static constexpr std::uint64_t kAlikeEachSecond = 10;

  /// `path`: the file, to which lines are appended; it is made, for its owner only, when it is not
  /// there. Empty: the node's log. kInvalidArgument when it cannot be written.
  static Result<std::unique_ptr<AuditLog>> open(std::string path);
  /// Whether open() could do that, as far as the system tells; the file is not made.
  static Status check(const std::string& path);
  ~AuditLog() override;

  void tell(const core::AuditEvent& event) override;
  /// Goes on in a new file of that path, after somebody has moved the old one away. kUnavailable:
  /// goes on in the old one.
  Status reopen();

  struct Page {
    std::vector<std::string> lines;
    std::uint64_t next = 0;  // what to ask after next time
    bool gap = false;        // lines between are kept no more
  };
  /// The lines after the one of that number, at most `count_max`.
  Page after(std::uint64_t seen, std::size_t count_max) const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Alike {
    Clock::time_point since;
    std::uint64_t count = 0;     // of this second
    std::uint64_t left_out = 0;  // not told yet
  };

  AuditLog(std::string path, int descriptor);
  bool is_too_much(const core::AuditEvent& event, std::uint64_t& left_out);
  void write(const std::string& line);

  const std::string path_;
  const int descriptor_;  // -1: none
  std::unique_ptr<LogWriter> writer_;
  mutable std::mutex mutex_;            // of what follows
  std::map<std::string, Alike> alike_;  // by kind, principal and address
  std::deque<std::string> kept_;
  std::uint64_t last_ = 0;  // the number of the last line; they begin with 1
};

}  // namespace kvmesh
