#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include <spdlog/details/log_msg.h>
#include <spdlog/formatter.h>

#include "node/line_ring.h"

namespace kvmesh {

/// Writes log lines to a descriptor on a thread of its own, so that nobody who logs waits for who
/// reads the log, or ends with it: a pipe that is full, broken or closed, a full disk. What cannot
/// be written, or finds the queue full, is lost and counted; the log tells how many when it works
/// again. All methods are thread-safe.
class LogWriter {
 public:
  static constexpr std::size_t kLinesMax = 1024;
  static constexpr std::size_t kBytesMax = 1024 * 1024;  // of all lines that wait

  explicit LogWriter(int descriptor);
  /// Writes what waits, unless the descriptor takes nothing.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  /// Never blocks.
  void push(const spdlog::details::log_msg& message);
  void set_formatter(std::unique_ptr<spdlog::formatter> formatter);
  /// Waits until all that was pushed before is written or lost; false when that takes longer.
  bool drain(std::chrono::milliseconds limit);

 private:
  struct Line {
    spdlog::log_clock::time_point time;
    spdlog::level::level_enum level = spdlog::level::off;
    std::string text;
    std::uint64_t refused_before = 0;
  };

  void run();
  void write_line(const Line& line);
  bool tell_losses(std::uint64_t refused);
  bool write_formatted(const Line& line);
  bool write(std::string_view bytes);
  bool await_room() const;

  const int descriptor_;
  const bool has_colors_;
  LineRing<Line, kLinesMax> queue_;
  std::atomic<std::size_t> queued_bytes_{0};
  std::atomic<std::uint32_t> pushed_{0};
  std::atomic<std::uint32_t> done_{0};
  std::atomic<std::uint64_t> refused_{0};  // for lack of room
  std::atomic<bool> stop_{false};
  std::mutex formatter_mutex_;
  std::unique_ptr<spdlog::formatter> formatter_;
  // The thread's own.
  std::uint64_t refused_told_ = 0;
  std::uint64_t failed_ = 0;  // writes; not told yet
  int failure_ = 0;           // errno of the last one
  bool is_cut_ = false;       // half a line stands there
  std::thread thread_;
};

/// Makes the program's log this process's standard error, by a LogWriter that never ends. May throw
/// what std::thread does.
void start_log(const std::string& pattern, const std::string& level);
/// Gives what was logged a moment to be written, for a process that is about to end.
void drain_log();

}  // namespace kvmesh
