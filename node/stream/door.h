#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include <kvmesh/status.h>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include "node/core/audit.h"
#include "node/stream/address_budget.h"
#include "node/stream/codec.h"
#include "node/stream/server.h"
#include "node/stream/socket.h"
#include "node/tls/certificates.h"

namespace kvmesh::stream {

/// Where connections to a TLS port wait until their handshake is done: on a thread of its own, as
/// each takes about a millisecond, which those who are served must not notice. What strangers can
/// make it keep is bounded: so many handshakes at once, so many of an address, so many bytes and so
/// much time for each.
class Door {
 public:
  static constexpr std::size_t kHalfOpenMax = 512;
  static constexpr std::chrono::seconds kTimeMax{5};
  /// Handshakes that an address may begin at once, and then every second. All that one can have
  /// half open leaves room for others.
  static constexpr std::size_t kBurst = 200;
  static constexpr std::size_t kPerSecond = 50;
  static_assert(kBurst + kPerSecond * kTimeMax.count() < kHalfOpenMax);

  /// Takes a connection that is done with its handshake and was counted. On the door's thread.
  using Handover = std::function<void(Socket)>;

  struct Options {
    std::string section;  // of the settings, for messages: "kv_server"
    std::size_t connections_max = 0;
    CodecFactory make_codec;
    core::Audit* audit = nullptr;  // null: nobody wants to know
  };
  /// `certificates` and `count` outlive it.
  Door(Options options, tls::Certificates& certificates, ConnectionCount& count, Handover handover);
  /// Those that wait are closed.
  ~Door();
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  /// kInternal when there is no thread for it.
  Status start();
  /// Takes a connection that was accepted and not counted. Thread-safe.
  void take(Socket socket);
  /// Those that wait for their handshake. Thread-safe; a snapshot.
  std::size_t half_open() const { return half_open_.load(std::memory_order_relaxed); }

 private:
  struct Guest;
  using GuestPointer = std::shared_ptr<Guest>;

  void begin(const GuestPointer& guest);
  void wait(const GuestPointer& guest, bool for_room);
  void go_on(const GuestPointer& guest);
  bool look_at_first_byte(const GuestPointer& guest);
  void shake_hands(const GuestPointer& guest);
  void let_in(const GuestPointer& guest);
  void refuse(const GuestPointer& guest, std::string_view why);
  void answer(Socket& socket, StatusCode code, std::string_view text);
  void leave(const GuestPointer& guest);
  void arm_timer();
  void look_at_certificates();
  void warn_of(const std::string& address, std::string_view why);
  void tell(core::AuditEvent::Kind kind, std::string_view user, const std::string& from,
            const std::string& what);

  Options options_;
  tls::Certificates& certificates_;
  ConnectionCount& count_;
  Handover handover_;
  std::atomic<std::size_t> half_open_{0};
  std::atomic<std::uint64_t> turned_away_{0};  // as there were too many, since the last warning
  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer timer_{loop_};
  asio::steady_timer look_timer_{loop_};
  AddressBudget budget_;
  AddressBudget told_;
  std::list<GuestPointer> guests_;  // who came first is first
  bool timer_is_set_ = false;
  std::optional<TimePoint> warned_at_;
  std::uint64_t not_warned_of_ = 0;  // since then
  std::thread thread_;
};

}  // namespace kvmesh::stream
