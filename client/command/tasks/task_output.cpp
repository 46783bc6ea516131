#include "client/command/tasks/task_output.h"

#include <utility>

#include "client/command/tasks/task_texts.h"
#include "common/text.h"

namespace kvmesh::command {

void JsonOutput::write(std::vector<OutputChunk> chunks, std::function<void()> taken) {
  for (auto& chunk : chunks) chunk = {OutputStream::kOut, output_json(chunk).to_json() + "\n"};
  inner_.write(std::move(chunks), std::move(taken));
}

void TerminalOutput::write(std::vector<OutputChunk> chunks, std::function<void()> taken) {
  for (auto& chunk : chunks) {
    const bool shown = chunk.stream == OutputStream::kErr ? terminals_.err : terminals_.out;
    if (shown) chunk.bytes = printable(chunk.bytes, "\n\t");
  }
  inner_->write(std::move(chunks), std::move(taken));
}

void HeldOutput::write(std::vector<OutputChunk> chunks, std::function<void()> taken) {
  {
    const std::lock_guard lock{mutex_};
    if (!released_) {
      held_.push_back({std::move(chunks), std::move(taken)});
      return;
    }
  }
  inner_->write(std::move(chunks), std::move(taken));
}

// A process has one write at a time, so nothing can overtake what was held.
void HeldOutput::release() {
  std::vector<Write> held;
  {
    const std::lock_guard lock{mutex_};
    released_ = true;
    held.swap(held_);
  }
  for (auto& write : held) inner_->write(std::move(write.chunks), std::move(write.taken));
}

}  // namespace kvmesh::command
