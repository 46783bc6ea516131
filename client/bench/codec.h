#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <kvmesh/status.h>

#include "client/bench/operation.h"

namespace kvmesh::bench {

/// A protocol over a byte stream whose replies come in the order of the requests. Stateless but for
/// what it says. One thread.
class Codec {
 public:
  Codec() = default;
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;
  virtual ~Codec() = default;

  virtual bool has_buckets() const { return false; }
  /// What is sent once, at the connection's begin, without being a request.
  virtual std::string greeting() const { return {}; }
  virtual void append(std::string& out, const Operation& operation) = 0;

  /// What parse() took: nothing yet (`taken` 0), or so many bytes. Without a `reply` they were no
  /// reply but talk of the protocol.
  struct Parsed {
    std::size_t taken = 0;
    std::optional<Reply> reply;
  };
  /// Takes one reply to a request of this kind off the begin of `in`; its value points into `in`.
  /// May append to `out` what the protocol wants answered. kProtocolError when it is not what it
  /// should be. `in` may be cut anywhere.
  virtual Result<Parsed> parse(std::string_view in, Operation::Kind expected, std::string& out) = 0;
};

/// kvmesh's own line protocol (common/PROTOCOL.md, part 2).
std::unique_ptr<Codec> make_line_codec();
/// Lines to a server that answers every one with "OK": what sockets and the generator cost.
std::unique_ptr<Codec> make_null_codec();
/// The Redis protocol: HSET and HGET.
std::unique_ptr<Codec> make_redis_codec();
/// memcached's text protocol: set and get of "bucket:key".
std::unique_ptr<Codec> make_memcached_codec();
/// Requests over NATS to the subject "kv"; `inbox` is this connection's own.
std::unique_ptr<Codec> make_nats_codec(const std::string& inbox);

/// The first line of `in` without its CR LF; empty while there is none.
std::optional<std::string_view> first_line(std::string_view in);
/// kProtocolError with the begin of `in`, quoted.
Status unexpected(std::string_view in, std::string_view wanted);

}  // namespace kvmesh::bench
