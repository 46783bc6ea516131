#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "client/bench/channel.h"
#include "client/bench/codec.h"
#include "client/bench/tls_session.h"
#include "common/config/address.h"

namespace kvmesh::bench {

/// One TCP connection with a Codec, with TLS or without. One thread.
class StreamChannel final : public Channel {
 public:
  /// `address` is HOST:PORT; `tls` may be null: no TLS.
  StreamChannel(std::string address, std::unique_ptr<Codec> codec,
                std::shared_ptr<const TlsContext> tls = nullptr);
  ~StreamChannel() override;

  Status open(int epoll, std::uint64_t mark) override;
  bool has_buckets() const override { return codec_->has_buckets(); }
  void submit(const Operation& operation, std::uint32_t tag) override;
  Status flush() override;
  Status receive(ReplySink& sink) override;

 private:
  struct Pending {
    std::uint32_t tag;
    Operation::Kind kind;
  };
  Status shake_hands();
  Result<std::size_t> give(std::string_view bytes);
  Result<std::size_t> take(std::span<char> room);
  Status closed() const;
  Status parse(ReplySink& sink);
  Status watch(bool for_output);

  std::string address_;
  std::unique_ptr<Codec> codec_;
  std::shared_ptr<const TlsContext> tls_;
  std::unique_ptr<TlsSession> session_;  // null without TLS
  int socket_ = -1;
  int epoll_ = -1;
  std::uint64_t mark_ = 0;
  bool watches_output_ = false;
  std::string out_;
  std::size_t written_ = 0;  // of out_
  std::string in_;
  std::size_t begin_ = 0;  // of what is not parsed yet
  std::size_t end_ = 0;    // of what has arrived
  std::deque<Pending> pending_;
};

}  // namespace kvmesh::bench
