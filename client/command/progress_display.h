#pragma once

#include <chrono>
#include <string>

#include "client/command/progress_text.h"

namespace kvmesh::command {

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
