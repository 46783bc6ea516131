#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <kvmesh/status.h>

namespace kvmesh::transport {

/// The addresses of a host as numbers, an IPv6 address without brackets; IPv4 comes first, since
/// that is what most nodes listen on. kUnavailable: the name is not known, or nobody who knows
/// names answers. Blocks, for minutes when a name server is silent.
Result<std::vector<std::string>> look_up(const std::string& host);

/// Looks up names on threads of its own that nobody waits for, not even the end of the process: no
/// thread that serves may ask a name server, and libzmq would on its only I/O thread. Thread-safe.
class Resolver {
 public:
  using LookUp = std::function<Result<std::vector<std::string>>(const std::string& host)>;

  /// `look_up` gives at least one address or an error, and may be running when the Resolver has
  /// ended.
  explicit Resolver(LookUp look_up);
  /// The one that asks the system.
  static Resolver& of_the_system();

  /// One look-up.
  class Question {
   public:
    bool is_answered() const { return answered_.load(std::memory_order_acquire); }
    /// REQUIRES: is_answered().
    const Result<std::vector<std::string>>& answer() const { return answer_; }

   private:
    friend class Resolver;
    Result<std::vector<std::string>> answer_ = Status{StatusCode::kInternal, "not answered"};
    std::atomic<bool> answered_{false};
  };

  /// Begins a look-up, or joins that of the same name that is under way: so a name that is slow has
  /// one thread, however many ask.
  std::shared_ptr<const Question> ask(const std::string& host);

 private:
  struct Shared {
    LookUp look_up;
    std::mutex mutex;  // held for a look at the map only
    std::map<std::string, std::shared_ptr<Question>> under_way;
  };
  static void answer(Shared& shared, const std::string& host, Question& question);

  std::shared_ptr<Shared> shared_;  // with the threads
};

}  // namespace kvmesh::transport
