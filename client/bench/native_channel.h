#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <zmq.hpp>

#include "client/bench/channel.h"
#include "client/bench/load_options.h"
#include "common/transport/link.h"
#include "common/wire/reader.h"

namespace kvmesh::bench {

/// One connection in the mesh protocol: the link that nodes and the client library use. It carries
/// either operations on buckets or calls of one function. One thread.
class NativeChannel final : public Channel, private transport::LinkEvents {
 public:
  /// `context` must outlive the channel.
  NativeChannel(zmq::context_t& context, std::string endpoint, std::chrono::milliseconds timeout,
                std::optional<CallLoad> call = {});
  ~NativeChannel() override;

  Status open(int epoll, std::uint64_t mark) override;
  bool has_buckets() const override { return !call_; }
  void submit(const Operation& operation, std::uint32_t tag) override;
  Status flush() override;
  Status receive(ReplySink& sink) override;
  bool is_ready() override { return link_.is_ready(); }
  Status tick() override;

 private:
  void on_open(transport::Link& link) override;
  void on_close(transport::Link& link) override;
  void on_up(transport::Link& link, const wire::Welcome& welcome) override;
  void on_reply(transport::Link& link, const ReplyView& reply) override;
  void on_draining(transport::Link& link, const std::string& why) override;
  void on_expired(transport::Link& link, RequestId id) override;
  void on_unsent(transport::Link& link, RequestId id) override;
  void on_down(transport::Link& link, const std::string& why) override;
  void watch(int fd, int what);
  void fail(const std::string& text);
  RequestView request_for(const Operation& operation);
  bool read_progress(wire::Reader& in) const;

  zmq::context_t& context_;
  std::chrono::milliseconds timeout_;
  TimePoint now_;  // as of the last look at the clock
  std::optional<CallLoad> call_;
  transport::Link link_;
  int epoll_ = -1;
  std::uint64_t mark_ = 0;
  Status fault_;
  ReplySink* sink_ = nullptr;  // during receive()
  // By tag: what was asked, as the result of a put and of a get that finds nothing look the same.
  std::vector<Operation::Kind> kinds_;
  wire::Buffer scratch_;
};

}  // namespace kvmesh::bench
