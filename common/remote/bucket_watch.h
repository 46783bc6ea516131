#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/buckets.h>
#include <kvmesh/watcher.h>

namespace kvmesh::remote {

/// The rules of a watch: what to ask for next, and what an answer tells. Pure.
///
/// A scan has many pages, each of another instant, and changes go on between them. So changes are
/// asked for after each page. Of a key that a page has told, those after the page's instant are
/// told; of one whose page is still to come none, as the page will show them.
class BucketWatch {
 public:
  BucketWatch(std::string bucket, WatchOptions options);

  struct Request {
    Operation operation;
    std::chrono::milliseconds wait{0};  // that it takes by itself
  };
  /// One at a time, with a wait of `wait_max` at most.
  Request next(std::chrono::milliseconds wait_max) const;

  struct Told {
    std::vector<WatchNews> news;
    Status trouble;                      // why it is asked again
    bool is_over = false;                // or that it is not
    std::chrono::milliseconds pause{0};  // before it is
  };
  /// The answer to next().
  Told take(Outcome outcome);

 private:
  // What one page has told: all keys after those of the page before, up to `last`.
  struct Page {
    std::optional<std::string> last;  // empty: to the end
    std::uint64_t rev = 0;
  };

  Told fail(Status status);
  Told take_page(ScanPage page);
  Told take_changes(Events events);
  void begin_anew(std::uint64_t rev);
  bool is_to_tell(const Event& event) const;
  bool is_scanning() const { return scans_ || !pages_.empty(); }

  const std::string bucket_;
  const WatchOptions options_;
  std::uint64_t since_;
  bool begun_ = false;
  bool scans_ = false;      // pages are to come
  bool page_next_ = false;  // else changes
  std::vector<Page> pages_;
  std::chrono::milliseconds pause_{0};  // before the last attempt
};

}  // namespace kvmesh::remote
