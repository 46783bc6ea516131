#pragma once

#include <kvmesh/output.h>

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace kvmesh::command {

/// The output of tasks beside what else is printed: tells whether its last line was ended, and,
/// while a line is being edited, waits until the editor has made room. Thread-safe.
class ShownOutput final : public OutputSink {
 public:
  /// `lines`: where write_line() writes; null: to `inner` too.
  explicit ShownOutput(std::shared_ptr<OutputSink> inner,
                       const std::shared_ptr<OutputSink>& lines = nullptr);
  ~ShownOutput() override;
  ShownOutput(const ShownOutput&) = delete;
  ShownOutput& operator=(const ShownOutput&) = delete;

  void write(std::vector<OutputChunk> chunks, std::function<void()> taken) override;

  /// Writes a line of the command's own to standard output. Does not block.
  void write_line(std::string line);

  /// Readable when output waits.
  int descriptor() const { return descriptor_; }
  /// From here on output waits; what came before is written when this returns.
  void begin_editing();
  void end_editing();
  /// Writes what waits. REQUIRES: editing, by the editor's thread.
  void show_waiting();
  /// False when what was written last did not end its line; true again after that was asked.
  bool take_line_ended();

 private:
  struct Write {
    std::vector<OutputChunk> chunks;
    std::function<void()> taken;
    OutputSink* to = nullptr;
  };
  void take(Write write);
  void forward(Write write);
  void forward_waiting(bool editing);

  int descriptor_;  // an eventfd
  std::mutex mutex_;
  std::condition_variable written_;
  bool editing_ = false;
  bool line_ended_ = true;
  std::size_t being_written_ = 0;
  std::vector<Write> waiting_;
  const std::shared_ptr<OutputSink> inner_;  // last, with the next: they end first
  const std::shared_ptr<OutputSink> lines_;
};

}  // namespace kvmesh::command
