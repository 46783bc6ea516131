#include <kvmesh/output.h>

#include <mutex>
#include <utility>

namespace kvmesh {
namespace {

class FunctionSink : public OutputSink {
 public:
  explicit FunctionSink(std::function<void(const OutputChunk&)> each) : each_(std::move(each)) {}

  void write(std::vector<OutputChunk> chunks, std::function<void()> taken) override {
    {
      const std::lock_guard lock{mutex_};
      for (const auto& chunk : chunks) each_(chunk);
    }
    taken();
  }

 private:
  std::mutex mutex_;
  std::function<void(const OutputChunk&)> each_;
};

}  // namespace

std::shared_ptr<OutputSink> output_to(std::function<void(const OutputChunk&)> each) {
  return std::make_shared<FunctionSink>(std::move(each));
}

}  // namespace kvmesh
