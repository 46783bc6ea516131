#include "client/command/base/shown_output.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <utility>

namespace kvmesh::command {

ShownOutput::ShownOutput(std::shared_ptr<OutputSink> inner,
                         const std::shared_ptr<OutputSink>& lines)
    : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      inner_(std::move(inner)),
      lines_(lines != nullptr ? lines : inner_) {
  if (descriptor_ < 0) std::abort();
}

ShownOutput::~ShownOutput() { close(descriptor_); }

void ShownOutput::write(std::vector<OutputChunk> chunks, std::function<void()> taken) {
  take({std::move(chunks), std::move(taken), inner_.get()});
}

void ShownOutput::write_line(std::string line) {
  line += '\n';
  std::vector<OutputChunk> chunks;
  chunks.push_back({OutputStream::kOut, std::move(line)});
  take({std::move(chunks), [] {}, lines_.get()});
}

void ShownOutput::take(Write write) {
  {
    const std::lock_guard lock{mutex_};
    if (editing_) {
      waiting_.push_back(std::move(write));
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto told = ::write(descriptor_, &one, sizeof one);
      return;
    }
    ++being_written_;
  }
  forward(std::move(write));
}

void ShownOutput::forward(Write write) {
  bool any = false;
  bool ended = true;
  for (const auto& chunk : write.chunks) {
    if (chunk.bytes.empty()) continue;
    any = true;
    ended = chunk.bytes.back() == '\n';
  }
  auto taken = [this, any, ended, told = std::move(write.taken)] {
    {
      const std::lock_guard lock{mutex_};
      if (any) line_ended_ = ended;
      --being_written_;
      written_.notify_all();
    }
    told();
  };
  write.to->write(std::move(write.chunks), std::move(taken));
}

void ShownOutput::begin_editing() {
  std::unique_lock lock{mutex_};
  written_.wait(lock, [this] { return being_written_ == 0; });
  editing_ = true;
}

void ShownOutput::end_editing() { forward_waiting(false); }

void ShownOutput::show_waiting() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto cleared = read(descriptor_, &count, sizeof count);
  forward_waiting(true);
  std::unique_lock lock{mutex_};
  written_.wait(lock, [this] { return being_written_ == 0; });
}

void ShownOutput::forward_waiting(bool editing) {
  std::vector<Write> waited;
  {
    const std::lock_guard lock{mutex_};
    editing_ = editing;
    waited.swap(waiting_);
    being_written_ += waited.size();
  }
  for (auto& write : waited) forward(std::move(write));
}

bool ShownOutput::take_line_ended() {
  const std::lock_guard lock{mutex_};
  return std::exchange(line_ended_, true);
}

}  // namespace kvmesh::command
