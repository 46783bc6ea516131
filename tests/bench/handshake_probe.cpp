#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include "client/bench/percentiles.h"
#include "common/deadline.h"
#include "tests/bench/handshakes.h"
#include "tests/bench/probes.h"
#include "tests/bench/socket_text.h"

namespace kvmesh::bench {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kSilenceMax{5000};  // a handshake has no more, on either side
constexpr int kEventsMax = 64;
constexpr std::uint32_t kFirstAddress = 0x7f4d0001;  // 127.77.0.1
// A node counts how many handshakes an address begins, so that one cannot have all.
constexpr std::uint32_t kAddresses = 250;

TimePoint probe_now() { return std::chrono::steady_clock::now(); }

class HandshakeRun {
 public:
  explicit HandshakeRun(const HandshakeProbe& probe) : probe_(probe), slots_(probe.under_way) {}
  ~HandshakeRun() {
    slots_.clear();  // they use epoll_
    if (epoll_ >= 0) close(epoll_);
  }
  HandshakeRun(const HandshakeRun&) = delete;
  HandshakeRun& operator=(const HandshakeRun&) = delete;

  Status open() {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) return socket_fault("epoll_create1");
    if (!is_mesh()) {
      auto tls = TlsContext::make(probe_.ca);
      if (!tls) return tls.status();
      tls_ = *std::move(tls);
      return {};
    }
    context_.set(zmq::ctxopt::max_sockets, 65535);
    auto keys = client::load_client_keys(probe_.key_file, {probe_.endpoint});
    if (!keys) return keys.status();
    if (!*keys) return {StatusCode::kInvalidArgument, "handshakes with a mesh port need a --key"};
    keys_ = *std::move(keys);
    return {};
  }

  Status run() {
    began_ = probe_now();
    counts_from_ = began_ + probe_.warmup;
    const auto end = counts_from_ + probe_.duration;
    for (auto now = began_; now < end || latency_.count() == 0; now = probe_now()) {
      if (auto status = begin_due(now); !status.ok()) return status;
      if (auto status = wait(); !status.ok()) return status;
      if (auto status = look_at_oldest(); !status.ok()) return status;
    }
    ended_ = probe_now();
    return {};
  }

  void print() const {
    const auto seconds = std::chrono::duration<double>(ended_ - counts_from_).count();
    const nlohmann::ordered_json out = {
        {"port", probe_.port},
        {"under_way", probe_.under_way},
        {"handshakes", latency_.count()},
        {"per_second", static_cast<double>(latency_.count()) / seconds},
        {"latency_us", json_of(latency_)}};
    std::printf("%s\n", out.dump().c_str());
  }

 private:
  struct Slot {
    std::unique_ptr<Handshake> handshake;  // null: free
    TimePoint began;
  };

  bool is_mesh() const { return probe_.port == "mesh"; }

  // With a rate no more than should have begun by now; else as many as there are slots.
  Status begin_due(TimePoint now) {
    const auto passed = std::chrono::duration<double>(now - began_).count();
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (probe_.rate > 0 && static_cast<double>(begun_) >= passed * probe_.rate) return {};
      if (slots_[i].handshake) continue;
      if (auto status = begin(i); !status.ok()) return status;
    }
    return {};
  }

  Status begin(std::size_t i) {
    auto& slot = slots_[i];
    const auto from = kFirstAddress + static_cast<std::uint32_t>(begun_++ % kAddresses);
    slot.began = probe_now();
    slot.handshake = is_mesh() ? make_mesh_handshake(context_, probe_.endpoint, *keys_)
                               : make_tls_handshake(*tls_, probe_.endpoint, from);
    if (auto status = slot.handshake->begin(epoll_, i); !status.ok()) return status;
    return go_on(i);
  }

  Status go_on(std::size_t i) {
    auto& slot = slots_[i];
    if (!slot.handshake) return {};
    const auto is_in = slot.handshake->go_on();
    if (!is_in) return is_in.status();
    if (!*is_in) return {};
    const auto now = probe_now();
    const auto took = duration_cast<nanoseconds>(now - slot.began).count();
    if (now >= counts_from_) latency_.add(static_cast<std::uint64_t>(took));
    slot.handshake.reset();
    return {};
  }

  Status wait() {
    std::array<epoll_event, kEventsMax> events;  // NOLINT: filled by epoll
    const int count = epoll_wait(epoll_, events.data(), kEventsMax, 1);
    if (count < 0 && errno != EINTR) return socket_fault("epoll_wait");
    for (int i = 0; i < count; ++i) {
      const auto mark = static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64);
      if (auto status = go_on(mark); !status.ok()) return status;
    }
    return {};
  }

  Status look_at_oldest() const {
    const auto now = probe_now();
    const bool all_well = std::ranges::all_of(slots_, [&](const Slot& slot) {
      return !slot.handshake || now - slot.began < kSilenceMax;
    });
    if (all_well) return {};
    return {StatusCode::kUnavailable, probe_.endpoint + " leaves a handshake unanswered"};
  }

  const HandshakeProbe& probe_;
  zmq::context_t context_;
  std::shared_ptr<const TlsContext> tls_;
  std::optional<client::ClientKeys> keys_;
  int epoll_ = -1;
  std::vector<Slot> slots_;
  std::uint64_t begun_ = 0;
  TimePoint began_;
  TimePoint counts_from_;
  TimePoint ended_;
  Histogram latency_;
};

}  // namespace

Status probe_handshakes(const HandshakeProbe& probe) {
  HandshakeRun run{probe};
  if (auto status = run.open(); !status.ok()) return status;
  if (auto status = run.run(); !status.ok()) return status;
  run.print();
  return {};
}

}  // namespace kvmesh::bench
