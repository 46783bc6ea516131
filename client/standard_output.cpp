#include "client/standard_output.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace kvmesh::client {

class StandardOutput::Queue {
 public:
  struct Write {
    std::vector<OutputChunk> chunks;
    std::function<void()> taken;
  };

  Queue(std::FILE* out, std::FILE* err) : out_(out), err_(err) {}

  void run() {
    while (auto write = next()) {
      print(write->chunks);
      write->taken();
    }
  }

  std::mutex mutex;  // of all public members
  std::condition_variable changed;
  std::deque<Write> waiting;
  bool ends = false;

 private:
  std::optional<Write> next() {
    std::unique_lock lock{mutex};
    changed.wait(lock, [this] { return ends || !waiting.empty(); });
    if (waiting.empty()) return std::nullopt;
    Write write = std::move(waiting.front());
    waiting.pop_front();
    return write;
  }

  // A failure, as of a pipe that nobody reads any more, is the program's own to notice: its stream
  // keeps the error.
  void print(const std::vector<OutputChunk>& chunks) const {
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      std::FILE* const to = chunks[i].stream == OutputStream::kErr ? err_ : out_;
      std::fwrite(chunks[i].bytes.data(), 1, chunks[i].bytes.size(), to);
      const bool last = i + 1 == chunks.size() || chunks[i + 1].stream != chunks[i].stream;
      if (last) std::fflush(to);  // before the other stream goes on
    }
  }

  std::FILE* const out_;
  std::FILE* const err_;
};

StandardOutput::StandardOutput(std::FILE* out, std::FILE* err)
    : queue_(std::make_shared<Queue>(out, err)) {}

StandardOutput::~StandardOutput() {
  {
    const std::lock_guard lock{queue_->mutex};
    queue_->ends = true;
    queue_->changed.notify_one();
  }
  if (!thread_.joinable()) return;
  if (thread_.get_id() == std::this_thread::get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

void StandardOutput::write(std::vector<OutputChunk> chunks, std::function<void()> taken) {
  const std::lock_guard lock{queue_->mutex};
  queue_->waiting.push_back({std::move(chunks), std::move(taken)});
  if (!thread_.joinable()) thread_ = std::thread{[queue = queue_] { queue->run(); }};
  queue_->changed.notify_one();
}

}  // namespace kvmesh::client
