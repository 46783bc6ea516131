#pragma once

#include <kvmesh/output.h>

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
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

/// Passes on what a terminal may show (printable(), with lines and tabs) where stdout or stderr is
/// one, and all bytes where not: what a task writes is in the hands of its node. A character that
/// the node has cut in two is shown as bytes. Thread-safe.
class TerminalOutput final : public OutputSink {
 public:
  struct Terminals {
    bool out = false;
    bool err = false;
  };
  TerminalOutput(std::shared_ptr<OutputSink> inner, Terminals terminals)
      : inner_(std::move(inner)), terminals_(terminals) {}

  void write(std::vector<OutputChunk> chunks, std::function<void()> taken) override;

 private:
  const std::shared_ptr<OutputSink> inner_;
  const Terminals terminals_;
};

/// Passes on what comes, but only from release() on: so that a pid is printed before what its
/// process writes. Thread-safe.
class HeldOutput final : public OutputSink {
 public:
  explicit HeldOutput(std::shared_ptr<OutputSink> inner) : inner_(std::move(inner)) {}

  void write(std::vector<OutputChunk> chunks, std::function<void()> taken) override;
  void release();

 private:
  struct Write {
    std::vector<OutputChunk> chunks;
    std::function<void()> taken;
  };
  const std::shared_ptr<OutputSink> inner_;
  std::mutex mutex_;
  bool released_ = false;
  std::vector<Write> held_;
};

}  // namespace kvmesh::command
