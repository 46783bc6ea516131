#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <kvmesh/status.h>

#include "common/config/settings.h"
#include "node/tls/context.h"

namespace kvmesh::tls {

/// The certificates of a port, which are replaced while it serves: connections go on with those
/// that they began with. Thread-safe.
class Certificates {
 public:
  static constexpr std::chrono::seconds kBetweenLooks{60};

  /// Reads the files; faults as of Context::load().
  static Result<std::unique_ptr<Certificates>> open(Settings::Tls settings, Identify identify);

  std::shared_ptr<const Context> get() const { return now_.load(); }
  /// Reads the files again; whether they hold something else than before. On a fault nothing
  /// changes; the text says so.
  Result<bool> reload();
  /// Does that when a file has changed since it was read or tried; what comes of it goes to the
  /// log. Once a day the log is also told of a certificate that ends soon. To be called every
  /// kBetweenLooks.
  void look(std::chrono::system_clock::time_point now);
  /// As of Context::warning().
  std::string warning(std::chrono::system_clock::time_point now) const {
    return get()->warning(now);
  }

 private:
  // What changes with a file.
  using Stamp = std::array<std::int64_t, 5>;

  Certificates(Settings::Tls settings, Identify identify)
      : settings_(std::move(settings)), identify_(std::move(identify)) {}
  std::vector<Stamp> stamps() const;
  Status read();

  const Settings::Tls settings_;
  const Identify identify_;
  std::atomic<std::shared_ptr<const Context>> now_;
  std::mutex mutex_;           // of what follows
  std::vector<Stamp> stamps_;  // of what was read or tried last
  std::chrono::system_clock::time_point warned_at_;
};

}  // namespace kvmesh::tls
