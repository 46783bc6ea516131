#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "journal_story.h"
#include "node/journal/journal.h"
#include "temporary_folder.h"

namespace kvmesh::test {

/// A journal with the test's own waiting: for durability or failure.
class OpenJournal {
 public:
  /// Not open: status() says why. `told` runs at each change, on the journal's thread.
  explicit OpenJournal(const journal::Options& options, std::function<void()> told = {})
      : told_(std::move(told)) {
    auto opened = journal::Journal::open(options, contents_, [this] { changed(); });
    if (!opened.ok()) {
      status_ = opened.status();
      return;
    }
    journal_ = *std::move(opened);
  }
  ~OpenJournal() { journal_.reset(); }
  OpenJournal(const OpenJournal&) = delete;
  OpenJournal& operator=(const OpenJournal&) = delete;

  bool ok() const { return journal_ != nullptr; }
  const Status& status() const { return status_; }
  journal::Journal& operator*() { return *journal_; }
  journal::Journal* operator->() { return journal_.get(); }
  /// What it found.
  const JournalModel& model() const { return contents_.model; }
  std::uint64_t revision() const { return journal_->recovered().revision; }

  /// The status of the reservation, if there was no room.
  Status append(JournalStory& story) {
    const auto& changes = story.advance();
    auto room = journal_->reserve(story.bytes());
    if (!room.ok()) return room.status();
    last_ = journal_->append(*room, changes, story.count());
    return {};
  }
  journal::Sequence last() const { return last_; }

  /// Until all that was appended is durable, or the journal has failed. True: it is durable.
  bool wait() {
    std::unique_lock lock{mutex_};
    change_.wait(lock, [this] { return journal_->durable() >= last_ || journal_->failure(); });
    return journal_->durable() >= last_;
  }

 private:
  void changed() {
    if (told_) told_();
    const std::lock_guard lock{mutex_};
    change_.notify_all();
  }

  std::function<void()> told_;
  JournalContents contents_;
  Status status_;
  std::mutex mutex_;
  std::condition_variable change_;
  journal::Sequence last_ = 0;
  std::unique_ptr<journal::Journal> journal_;
};

class JournalTest : public testing::Test {
 protected:
  std::string folder(const std::string& name = "state") const {
    return (temporary_.path() / name).string();
  }
  journal::Options options(const std::string& name = "state") const {
    journal::Options options;
    options.state_dir = folder(name);
    options.node = "foo";
    return options;
  }

 private:
  TemporaryFolder temporary_;
};

}  // namespace kvmesh::test
