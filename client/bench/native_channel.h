#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <zmq.hpp>

#include "client/bench/channel.h"
#include "client/bench/load_options.h"
#include "client/client_keys.h"
#include "client/endpoints.h"
#include "common/transport/link.h"
#include "common/wire/reader.h"

namespace kvmesh::bench {

/// One connection in the mesh protocol: the link that nodes and the client library use. It carries
/// either operations on buckets or calls of one function. Its end is an error, but when the channel
/// outlives it: then requests that were sent fail as kOutcomeUnknown, those made while there is no
/// connection as kUnavailable, no faster than the channel ticks, and it goes on with the next
/// endpoint as a client does. One thread.
class NativeChannel final : public Channel, private transport::LinkEvents {
 public:
  /// `context` must outlive the channel.
  NativeChannel(zmq::context_t& context, const std::vector<std::string>& endpoints,
                const std::optional<client::ClientKeys>& keys, std::chrono::milliseconds timeout,
                bool outlives_connections, std::optional<CallLoad> call = {});
  ~NativeChannel() override;

  Status open(int epoll, std::uint64_t mark) override;
  bool has_buckets() const override { return !call_; }
  void submit(const Operation& operation, std::uint32_t tag) override;
  Status flush() override;
  Status receive(ReplySink& sink) override;
  bool is_ready() override { return !due_.empty() || endpoints_.is_ready(); }
  Status tick() override;

 private:
  // What was asked, as the result of a put and of a get that finds nothing look the same, and over
  // which link.
  struct Asked {
    Operation::Kind kind = Operation::Kind::kGet;
    std::size_t puts = 0;
    std::size_t link = kNone;
  };
  struct Failed {
    std::uint32_t tag;
    StatusCode code;
  };
  static constexpr std::size_t kNone = SIZE_MAX;

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
  void leave(const transport::Link& link, const std::string& why);
  void end(RequestId id, StatusCode code, const char* text);
  RequestView request_for(const Operation& operation);
  bool read_progress(wire::Reader& in) const;
  static bool read_applied(wire::Reader& in, std::size_t puts);

  std::chrono::milliseconds timeout_;
  TimePoint now_;  // as of the last look at the clock
  std::optional<CallLoad> call_;
  const bool outlives_connections_;
  client::Endpoints endpoints_;
  std::size_t left_ = 0;  // endpoints, while it opens
  bool is_opening_ = true;
  int epoll_ = -1;
  std::uint64_t mark_ = 0;
  Status fault_;
  ReplySink* sink_ = nullptr;   // during receive()
  std::vector<Asked> asked_;    // by tag
  std::vector<Failed> failed_;  // since the last tick
  std::vector<Failed> due_;     // to be told by the next receive()
  wire::Buffer scratch_;
};

}  // namespace kvmesh::bench
