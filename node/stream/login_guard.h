#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "common/deadline.h"
#include "node/stream/address_key.h"
#include "node/stream/recent_map.h"

namespace kvmesh::stream {

/// Who may try a secret now. An address, and a user's name, have five failures a minute; then they
/// pause for a minute, and after each further failure twice as long, up to 15 minutes. So nobody
/// guesses passwords, and nobody can keep a user out who has logged in from its address lately.
/// Keeps what it knows of the last 4096 addresses and names. Time is an argument. Not thread-safe.
class LoginGuard {
 public:
  static constexpr std::size_t kEntriesMax = 4096;
  static constexpr std::size_t kFailuresMax = 5;
  static constexpr std::chrono::minutes kWindow{1};
  static constexpr std::chrono::minutes kPauseMin{1};
  static constexpr std::chrono::minutes kPauseMax{15};
  static constexpr std::chrono::hours kLately{24};

  struct Try {
    AddressKey address;
    std::string user;
    bool is_token = false;  // too long to be guessed: no failures keep one out, or count
  };
  /// How long it must wait; zero: begin() it.
  std::chrono::seconds wait(const Try& one, TimePoint now);
  /// Whether it must wait because of failures, and not only of others that are under way.
  bool has_failed(const Try& one, TimePoint now);
  /// Its outcome is not known yet: end() follows. Those under way count as failures.
  void begin(const Try& one);
  void end(const Try& one, bool is_right, TimePoint now);

 private:
  struct Record {
    std::array<TimePoint, kFailuresMax> failures{};  // a ring of the last ones
    std::size_t next = 0;                            // the oldest of them
    std::size_t under_way = 0;
    std::chrono::minutes pause{0};  // the last one; 0: it was none yet
    TimePoint until;                // its end

    std::chrono::seconds wait(TimePoint now);
    bool has_failed(TimePoint now) const;
    void end(bool is_right, TimePoint now);
  };
  using UserAt = std::pair<std::string, AddressKey>;

  bool was_here_lately(const Try& one, TimePoint now);

  RecentMap<AddressKey, Record> addresses_{kEntriesMax};
  RecentMap<std::string, Record> users_{kEntriesMax};
  RecentMap<UserAt, TimePoint> lately_{kEntriesMax};  // when they were right
};

}  // namespace kvmesh::stream
