#pragma once

#include <kvmesh/output.h>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "client/standard_output.h"

namespace kvmesh::command {

/// Writes each chunk as a JSON document of one line to standard output. Thread-safe.
class JsonOutput final : public OutputSink {
 public:
  void write(std::vector<OutputChunk> chunks, std::function<void()> taken) override;

 private:
  client::StandardOutput inner_;
};

/// Passes on what comes, but only from release() on: so that a pid is printed before what its
/// process writes. Thread-safe.
class HeldOutput final : public OutputSink {
 public:
  explicit HeldOutput(std::shared_ptr<OutputSink> inner) : inner_(std::move(inner)) {}

  void write(std::vector<OutputChunk> chunks, std::function<void()> taken) override;
  void release();

 private:
  struct Entry {
    std::vector<OutputChunk> chunks;
    std::function<void()> taken;
  };
  const std::shared_ptr<OutputSink> inner_;
  std::mutex mutex_;
  bool released_ = false;
  std::vector<Entry> held_;
};

}  // namespace kvmesh::command
