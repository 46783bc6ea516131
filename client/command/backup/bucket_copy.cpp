#include "client/command/backup/bucket_copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "client/command/backup/amendments.h"
#include "client/command/transfer/patient_reads.h"
#include "client/command/transfer/record.h"
#include "common/text.h"

namespace kvmesh::command {
namespace {

constexpr int kTries = 5;

// Cuts a bucket's records into pages of the size that a backup has.
class Pages {
 public:
  Pages(BackupWriter& to, const std::string& bucket, std::uint64_t rev,
        const BucketOptions& options)
      : to_(to) {
    page_.bucket = bucket;
    page_.rev = rev;
    page_.options = options;
  }

  Status add(std::vector<BackupRecord> records) {
    for (auto& record : records) {
      const auto bytes = record.key.size() + record.value.size();
      const bool is_full = page_.records.size() == BackupBlock::kRecordsMax ||
                           (!page_.records.empty() && bytes_ + bytes > BackupBlock::kBytesMax);
      if (is_full) {
        if (auto status = end_page(true); !status.ok()) return status;
      }
      bytes_ += bytes;
      page_.records.push_back(std::move(record));
    }
    return {};
  }
  Status finish() { return end_page(false); }

 private:
  Status end_page(bool more) {
    page_.more = more;
    auto status = to_.add(page_);
    ++page_.page;
    page_.records.clear();
    bytes_ = 0;
    return status;
  }

  BackupWriter& to_;
  BackupBlock page_;
  std::size_t bytes_ = 0;
};

}  // namespace

std::vector<BackupRecord> records_of(ScanPage&& page, std::int64_t now_ms) {
  std::vector<BackupRecord> out;
  out.reserve(page.items.size());
  for (auto& [key, entry] : page.items) {
    BackupRecord record{std::move(key), std::move(entry.value), entry.rev, {}};
    if (entry.ttl) record.expires_ms = now_ms + entry.ttl->count();
    out.push_back(std::move(record));
  }
  return out;
}

Status BucketCopy::copy(const std::string& bucket, const BucketOptions& options, BackupWriter& to) {
  for (int tried = 0; tried < kTries; ++tried) {
    const auto copied = try_copy(bucket, options, to);
    if (!copied) return copied.status();
    if (*copied) return {};
  }
  return {StatusCode::kUnavailable, "it changes faster than its changes can be followed (tried " +
                                        std::to_string(kTries) + " times)"};
}

Result<bool> BucketCopy::try_copy(const std::string& bucket, const BucketOptions& options,
                                  BackupWriter& to) {
  const ChangesOptions all{.limit = limits::kPageItemsMax};
  const auto following = events_of(
      read_patiently(client_, {ops::changes(bucket, 0, all)}, session_.timeout()).front());
  if (!following) return following.status();
  if (auto status = open_spool(); !status.ok()) return status;

  Amendments amendments;
  ScanOptions wanted{.limit = kPageRecords};
  std::uint64_t since = following->next;
  std::uint64_t rev = 0;  // of the last page
  std::uint64_t pages = 0;
  for (bool more = true; more || since < rev;) {
    std::vector<Operation> ask;
    if (more) ask.push_back(ops::scan(bucket, wanted));
    ask.push_back(ops::changes(bucket, since, all));
    auto outcomes = read_patiently(client_, std::move(ask), session_.timeout());
    const auto now_ms = ms_since_1970();
    if (more) {
      auto page = scan_page_of(std::move(outcomes.front()));
      if (!page) return page.status();
      rev = page->rev;
      more = page->more;
      wanted.after.reset();
      if (more) wanted.after = page->items.back().key;
      ++pages;
      if (auto status = spool({bucket, 0, 0, more, records_of(*std::move(page), now_ms)});
          !status.ok()) {
        return status;
      }
    }
    auto changes = events_of(std::move(outcomes.back()));
    if (!changes) return changes.status();
    if (changes->reset) return false;
    since = changes->next;
    if (!amendments.note(std::move(changes->events), wanted.after, now_ms)) return false;
  }

  if (std::fflush(spool_.get()) != 0 || std::fseek(spool_.get(), 0, SEEK_SET) != 0) {
    return disk_fault(file_fault("write into", folder_));
  }
  Pages out{to, bucket, since, options};
  for (std::uint64_t i = 0; i < pages; ++i) {
    auto page = next_spooled();
    if (!page) return disk_fault(page.status());
    amendments.amend(page->records, !page->more);
    if (auto status = out.add(std::move(page->records)); !status.ok()) return disk_fault(status);
  }
  if (auto status = out.finish(); !status.ok()) return disk_fault(status);
  return true;
}

Status BucketCopy::disk_fault(Status status) {
  disk_failed_ = true;
  return status;
}

Status BucketCopy::open_spool() {
  const auto path = path_in(folder_, "pages.tmp");
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return disk_fault(file_fault("make", path));
  (void)unlink(path.c_str());
  spool_.reset(fdopen(descriptor, "r+"));
  if (spool_) return {};
  auto status = file_fault("open", path);
  close(descriptor);
  return disk_fault(std::move(status));
}

Status BucketCopy::spool(const BackupBlock& page) {
  const auto bytes = pack_block(page);
  if (std::fwrite(bytes.data(), 1, bytes.size(), spool_.get()) == bytes.size()) return {};
  return disk_fault(file_fault("write into", folder_));
}

Result<BackupBlock> BucketCopy::next_spooled() {
  const auto read = [&](std::size_t bytes) {
    std::string out(bytes, '\0');
    out.resize(std::fread(out.data(), 1, bytes, spool_.get()));
    return out;
  };
  const auto head = read(kBlockHeadBytes);
  if (head.size() < kBlockHeadBytes) return file_fault("read what was written into", folder_);
  return unpack_block(read(length_of(head)));
}

}  // namespace kvmesh::command
