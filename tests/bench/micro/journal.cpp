// What the journal takes: durable puts a second beside the disk's own rate, the cost of an append,
// and the time of a start.
//
//     kvmesh-journal-bench FOLDER [SECONDS]
//
// FOLDER is made, filled and removed; it must not exist. One thread has N puts outstanding, as the
// loop of a node has; keys and values have 16 bytes, in 100 buckets of 1000 keys.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <filesystem>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "node/journal/journal.h"

namespace kvmesh::bench {
namespace {

using journal::Change;
using journal::Durability;
using journal::Journal;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kBuckets = 100;
constexpr std::uint64_t kKeys = 1000;
constexpr std::size_t kBurst = 256;

// Of this thread, in nanoseconds: a busy machine does not count.
double processor_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

double since(Clock::time_point then) {
  return std::chrono::duration<double>(Clock::now() - then).count();
}

[[noreturn]] void fail(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
  std::exit(1);  // NOLINT(concurrency-mt-unsafe)
}

struct Nothing final : journal::Loader {
  Status bucket(journal::BucketId, std::string_view, std::string_view) override { return {}; }
  Status record(journal::BucketId, std::string_view, const journal::Record&) override { return {}; }
  Status note(journal::BucketId, std::string_view, std::string_view) override { return {}; }
  void progress(const journal::Recovered& found) override {
    std::printf("  ... %llu keys\n", static_cast<unsigned long long>(found.keys));
  }
};

class Bench {
 public:
  Bench(const std::string& folder, Durability durability) {
    options_.state_dir = folder;
    options_.node = "bench";
    options_.durability = durability;
    for (std::uint64_t i = 0; i < kKeys; ++i) {
      std::array<char, 24> text{};
      std::snprintf(text.data(), text.size(), "key%013llu", static_cast<unsigned long long>(i));
      keys_.emplace_back(text.data());
    }
  }

  void open() {
    auto opened = Journal::open(options_, nothing_, [this] {
      const std::lock_guard lock{mutex_};
      change_.notify_one();
    });
    if (!opened.ok()) fail(opened.status().text());
    journal_ = *std::move(opened);
  }
  const journal::Recovered& recovered() const { return journal_->recovered(); }
  void close() {
    if (auto status = journal_->close(); !status.ok()) fail(status.text());
    journal_.reset();
  }

  void fill(std::uint64_t keys_a_bucket) {
    for (std::uint64_t bucket = 1; bucket <= kBuckets; ++bucket) {
      append(Change::of_bucket(bucket, "bucket" + std::to_string(bucket), ""));
      for (std::uint64_t key = 0; key < keys_a_bucket; ++key) {
        const auto name = keys_[key % kKeys] + std::to_string(key / kKeys);
        append(Change::put(bucket, name, {"0123456789abcdef", ++revision_, 0}));
      }
    }
    wait_for(last_);
  }

  // Puts a second with so many outstanding, and how it went.
  void run(const char* name, std::size_t outstanding, double seconds) {
    std::deque<Clock::time_point> began;
    std::vector<double> took;
    const auto first = last_;
    auto done = last_;
    const auto groups = journal_->statistics().groups;
    const auto start = Clock::now();
    while (since(start) < seconds) {
      const auto burst = std::min(outstanding - (last_ - done), kBurst);
      if (burst > 0) {
        auto room = journal_->reserve(burst * journal::staged_bytes(16, 16));
        if (!room.ok()) fail(room.status().text());
        const auto now = Clock::now();
        for (std::size_t i = 0; i < burst; ++i) {
          const std::array change{random_put()};
          last_ = journal_->append(*room, change, revision_);
          began.push_back(now);
        }
      } else {
        wait_for(done + 1);
      }
      const auto durable = journal_->durable();
      if (durable > done) took.push_back(since(began.front()));
      for (; done < durable; ++done) began.pop_front();
    }
    const double elapsed = since(start);
    std::sort(took.begin(), took.end());
    const auto statistics = journal_->statistics();
    std::printf("%-9s outstanding %5zu: %9.0f puts/s, %6.0f groups/s, p50 %5.0f us, p99 %6.0f us\n",
                name, outstanding, static_cast<double>(done - first) / elapsed,
                static_cast<double>(statistics.groups - groups) / elapsed,
                took.empty() ? 0 : took[took.size() / 2] * 1e6,
                took.empty() ? 0 : took[took.size() * 99 / 100] * 1e6);
    wait_for(last_);
  }

  // Nanoseconds of processor time for an append, while the journal writes.
  void cost(int threads) {
    std::vector<std::thread> writers;
    std::vector<double> nanoseconds(static_cast<std::size_t>(threads));
    writers.reserve(nanoseconds.size());
    for (auto& result : nanoseconds) {
      writers.emplace_back([this, &result] { result = cost_of_appends(); });
    }
    for (auto& writer : writers) writer.join();
    std::printf("an append, %d thread(s): %.0f ns\n", threads, nanoseconds.front());
    while (journal_->statistics().queued_bytes > 0) std::this_thread::yield();
    last_ = journal_->durable();
  }

 private:
  double cost_of_appends() {
    constexpr int kRounds = 1000;
    constexpr std::size_t kTogether = 160;
    double spent = 0;
    for (int round = 0; round < kRounds; ++round) {
      auto room = journal_->reserve(kTogether * journal::staged_bytes(16, 16));
      if (!room.ok()) {  // the disk is slower
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
        continue;
      }
      const auto began = processor_time();
      for (std::size_t i = 0; i < kTogether; ++i) {
        const std::array change{Change::put(1, keys_[i], {"0123456789abcdef", 1, 0})};
        (void)journal_->append(*room, change, 1);
      }
      spent += processor_time() - began;
    }
    return spent / (kRounds * kTogether);
  }
  Change random_put() {
    return Change::put(1 + random_() % kBuckets, keys_[random_() % kKeys],
                       {"fedcba9876543210", ++revision_, 0});
  }
  void append(const Change& change) {
    const std::array changes{change};
    auto room = journal_->reserve(journal::staged_bytes(change.name.size(), 16));
    if (!room.ok()) {
      wait_for(last_);
      return append(change);
    }
    last_ = journal_->append(*room, changes, revision_);
  }
  void wait_for(journal::Sequence sequence) {
    std::unique_lock lock{mutex_};
    change_.wait(lock, [&] { return journal_->durable() >= sequence || journal_->failure(); });
    if (const auto reason = journal_->failure()) fail(*reason);
  }

  journal::Options options_;
  Nothing nothing_;
  std::vector<std::string> keys_;
  std::mt19937 random_{7};
  std::uint64_t revision_ = 0;
  journal::Sequence last_ = 0;
  std::mutex mutex_;
  std::condition_variable change_;
  std::unique_ptr<Journal> journal_;
};

// What the disk does: appends of 4 KiB, each synced.
void print_raw(const std::string& folder, double seconds) {
  const auto path = folder + "/raw";
  const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
  const std::string bytes(4096, 'x');
  int syncs = 0;
  const auto start = Clock::now();
  for (; since(start) < seconds; ++syncs) {
    if (::write(file, bytes.data(), bytes.size()) < 0 || ::fdatasync(file) != 0) fail(path);
  }
  std::printf("the disk: %.0f fdatasync/s\n", syncs / since(start));
  ::close(file);
  std::filesystem::remove(path);
}

// Keys that a process has left which ended without closing: they are in the log.
void leave_unclosed(const std::string& folder, std::uint64_t keys) {
  const auto child = ::fork();
  if (child == 0) {
    Bench bench{folder, Durability::kEverySecond};
    bench.open();
    bench.fill(keys / kBuckets);
    ::_exit(0);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || status != 0) fail("the process that fills failed");
}

void print_start(const char* name, const std::string& folder) {
  Bench bench{folder, Durability::kEverySecond};
  bench.open();
  const auto& found = bench.recovered();
  std::printf("a start %s with %llu keys: %lld ms until open, %lld ms to load\n", name,
              static_cast<unsigned long long>(found.keys),
              static_cast<long long>(found.opening.count()),
              static_cast<long long>(found.loading.count()));
  bench.close();
}

void measure(const std::string& folder, double seconds) {
  leave_unclosed(folder + "/start", static_cast<std::uint64_t>(seconds * 1e6));
  print_start("after kill -9", folder + "/start");
  print_start("after an end", folder + "/start");
  for (const auto durability : {Durability::kAlways, Durability::kEverySecond}) {
    const bool always = durability == Durability::kAlways;
    Bench bench{folder + (always ? "/always" : "/everysec"), durability};
    bench.open();
    bench.fill(kKeys);
    for (const std::size_t outstanding : {50U, 800U, 3200U}) {
      if (always) print_raw(folder, seconds / 4);
      bench.run(always ? "always" : "everysec", outstanding, seconds);
    }
    if (!always) {
      bench.cost(1);
      bench.cost(2);
    }
    bench.close();
  }
}

}  // namespace
}  // namespace kvmesh::bench

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: kvmesh-journal-bench FOLDER [SECONDS]\n");
    return 2;
  }
  const std::string folder = argv[1];
  if (!std::filesystem::create_directory(folder)) {
    std::fprintf(stderr, "%s exists; name a new folder\n", folder.c_str());
    return 2;
  }
  kvmesh::bench::measure(folder, argc > 2 ? std::atof(argv[2]) : 2);
  std::filesystem::remove_all(folder);
}
