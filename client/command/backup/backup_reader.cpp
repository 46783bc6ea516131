#include "client/command/backup/backup_reader.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/text.h"

namespace kvmesh::command {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

}  // namespace

Result<BackupReader> BackupReader::open(std::string folder) {
  const auto path = path_in(folder, kManifestName);
  const auto invalid = [](std::string text) {
    return Status{StatusCode::kInvalidArgument, std::move(text)};
  };
  if (access(folder.c_str(), F_OK) != 0) return file_fault("open the folder", folder);
  if (access(path.c_str(), F_OK) != 0 && errno == ENOENT) {
    return invalid("the folder " + quoted_path(folder) + " has no " + std::string{kManifestName} +
                   ": it holds no backup, or one that was never finished");
  }
  const auto text = content_of(path);
  if (!text) return text.status();
  auto manifest = parse_manifest(*text);
  if (!manifest) return invalid(quoted_path(path) + ": " + manifest.status().text());
  return BackupReader{std::move(folder), *std::move(manifest)};
}

std::string BackupReader::path() const {
  return path_in(folder_, manifest_.files[place_.file].name);
}

Status BackupReader::damaged(const std::string& what) const {
  return {StatusCode::kInvalidArgument,
          quoted_path(path()) + ", near byte " + std::to_string(place_.offset) + ": " + what};
}

Status BackupReader::open_file() {
  auto opened = open_to_read(path());
  if (!opened) return opened.status();
  file_ = *std::move(opened);
  buffer_.clear();
  used_ = 0;
  if (hashes_) crypto_hash_sha256_init(&sha256_);
  const auto head = read(kFileHead.size());
  if (!head) return head.status();
  if (*head != kFileHead) return damaged("it does not begin as a file of a backup does");
  const auto begin = place_.offset;
  place_.offset = kFileHead.size();
  if (begin <= place_.offset) return {};
  if (lseek(file_.get(), static_cast<off_t>(begin), SEEK_SET) < 0)
    return file_fault("read", path());
  buffer_.clear();
  used_ = 0;
  place_.offset = begin;
  return {};
}

Result<std::string_view> BackupReader::read(std::size_t bytes) {
  while (buffer_.size() - used_ < bytes) {
    buffer_.erase(0, std::exchange(used_, 0));
    const auto before = buffer_.size();
    const auto wanted = std::max(kReadBytes, bytes - before);
    buffer_.resize(before + wanted);
    const auto count = ::read(file_.get(), buffer_.data() + before, wanted);
    buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_fault("read", path());
    if (count == 0) break;
    if (hashes_) {
      crypto_hash_sha256_update(&sha256_,
                                reinterpret_cast<const unsigned char*>(buffer_.data() + before),
                                static_cast<std::size_t>(count));
    }
  }
  const auto there = std::min(bytes, buffer_.size() - used_);
  const std::string_view out{buffer_.data() + used_, there};
  used_ += there;
  return out;
}

Status BackupReader::go_to(BackupPlace place) {
  if (place.file > manifest_.files.size()) {
    return {StatusCode::kInvalidArgument, "the backup has no file " + std::to_string(place.file)};
  }
  file_ = {};
  place_ = place;
  return {};
}

std::uint64_t BackupReader::bytes_before() const {
  auto out = place_.offset;
  for (std::size_t i = 0; i < place_.file; ++i) out += manifest_.files[i].bytes;
  return out;
}

Result<std::optional<BackupBlock>> BackupReader::next() {
  using Block = std::optional<BackupBlock>;
  while (true) {
    if (place_.file == manifest_.files.size()) return Block{};
    if (!file_.is_open()) {
      if (auto status = open_file(); !status.ok()) return status;
    }
    const auto head = read(kBlockHeadBytes);
    if (!head) return head.status();
    if (head->empty()) {
      if (hashes_) {
        if (auto status = check_file(); !status.ok()) return status;
      }
      file_ = {};
      place_ = {place_.file + 1, 0};
      continue;
    }
    if (head->size() < kBlockHeadBytes) return damaged("it ends within a block");
    const std::size_t length = length_of(*head);
    if (length > kBlockBytesMax) return damaged("a block of it is damaged: its length is none");
    const auto bytes = read(length);
    if (!bytes) return bytes.status();
    if (bytes->size() < length) return damaged("it ends within a block");
    auto block = unpack_block(*bytes);
    if (!block) return damaged(block.status().text());
    place_.offset += kBlockHeadBytes + length;
    return Block{*std::move(block)};
  }
}

// That all bytes which were read are those that were written.
Status BackupReader::check_file() {
  unsigned char hash[crypto_hash_sha256_BYTES];
  crypto_hash_sha256_final(&sha256_, hash);
  const auto& file = manifest_.files[place_.file];
  if (place_.offset != file.bytes) {
    return damaged("it has " + std::to_string(place_.offset) + " bytes, where the manifest says " +
                   std::to_string(file.bytes));
  }
  if (hex(hash) == file.sha256) return {};
  return {StatusCode::kInvalidArgument,
          quoted_path(path()) + " is damaged: its SHA-256 is not that of the manifest"};
}

Status BackupReader::check(const std::function<bool(std::uint64_t)>& on_bytes) {
  hashes_ = true;
  if (auto status = go_to({}); !status.ok()) return status;
  Manifest found;
  found.files.resize(manifest_.files.size());
  BackupBlock last;
  while (true) {
    auto block = next();
    if (!block) return block.status();
    const bool goes_on = last.more;
    if (!*block && goes_on) {
      return {StatusCode::kInvalidArgument,
              "the backup ends within the bucket " + in_quotes(last.bucket)};
    }
    if (!*block) break;
    const auto& page = **block;
    const bool follows = page.bucket == last.bucket && page.rev == last.rev &&
                         page.page == last.page + 1 &&
                         (page.records.empty() || last.records.empty() ||
                          last.records.back().key < page.records.front().key);
    if (goes_on ? !follows : page.page != 0) {
      return damaged("a page of the bucket " + in_quotes(page.bucket) + " is not where it belongs");
    }
    auto& counted = found.files[place_.file];
    if (page.page == 0) ++counted.buckets;
    counted.records += page.records.size();
    last = *std::move(*block);
    if (!on_bytes(bytes_before())) return {StatusCode::kCancelled, "broken off"};
  }
  hashes_ = false;
  for (std::size_t i = 0; i < found.files.size(); ++i) {
    const auto& says = manifest_.files[i];
    const auto& has = found.files[i];
    if (says.buckets == has.buckets && says.records == has.records) continue;
    return {StatusCode::kInvalidArgument,
            "file " + in_quotes(says.name) + " has " + std::to_string(has.records) +
                " records in " + std::to_string(has.buckets) +
                " buckets, where the manifest says " + std::to_string(says.records) + " in " +
                std::to_string(says.buckets)};
  }
  return go_to({});
}

}  // namespace kvmesh::command
