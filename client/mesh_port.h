#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include <kvmesh/client.h>

#include "client/standard_output.h"
#include "common/remote/port.h"

namespace kvmesh::client {

/// What the Mesh of a client stands on: the client's connection, threads that wait on condition
/// variables, and the program's stdout and stderr. `client` outlives it. Thread-safe.
class MeshPort final : public remote::MeshPort {
 public:
  explicit MeshPort(Client& client) : client_(client) {}

  void request(Operation operation, std::function<void(Outcome)> done, Timeout timeout) override {
    client_.call_async(operation, std::move(done), timeout);
  }
  void request_after(std::chrono::milliseconds pause, Operation operation,
                     std::function<void(Outcome)> done, Timeout timeout) override {
    client_.call_after(pause, operation, std::move(done), timeout);
  }
  std::unique_ptr<remote::Waiter> make_waiter() override;
  OutputSink& output() override { return output_; }

 private:
  Client& client_;
  StandardOutput output_;
};

}  // namespace kvmesh::client
