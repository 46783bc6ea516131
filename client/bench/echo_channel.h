#pragma once

#include <array>
#include <string>

#include <zmq.hpp>

#include "client/bench/channel.h"
#include "common/transport/message.h"

namespace kvmesh::bench {

/// Messages of 64 bytes to a libzmq ROUTER that sends each back, one ZeroMQ message for each
/// request: what libzmq itself takes. One thread.
class EchoChannel final : public Channel {
 public:
  /// `context` must outlive the channel.
  EchoChannel(zmq::context_t& context, std::string endpoint);

  Status open(int epoll, std::uint64_t mark) override;
  bool has_buckets() const override { return false; }
  void submit(const Operation& operation, std::uint32_t tag) override;
  Status flush() override { return fault_; }
  Status receive(ReplySink& sink) override;
  bool is_ready() override { return transport::poll_socket(socket_.handle()).input; }

 private:
  std::string endpoint_;
  zmq::socket_t socket_;
  transport::Message message_;
  Status fault_;
};

}  // namespace kvmesh::bench
