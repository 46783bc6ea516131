#include "node/journal/marker.h"

#include <array>
#include <cstddef>
#include <utility>

#include "node/journal/integers.h"

namespace kvmesh::journal {
namespace {

constexpr std::string_view kMagic{"kvmesh1\0", 8};
constexpr std::size_t kSlotBytes = 32;
constexpr std::size_t kSlotApart = 4096;

// ECMA-182, as xz has it. A few bytes a second: no need for a table.
std::uint64_t crc64(std::string_view bytes) {
  std::uint64_t crc = ~std::uint64_t{0};
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ (crc & 1 ? 0xC96C5795D7870F42U : 0);
  }
  return ~crc;
}

std::string slot(const Durable& durable) {
  std::string bytes{kMagic};
  bytes.resize(kSlotBytes);
  put_u64(durable.sequence, put_u64(durable.group, bytes.data() + 8));
  put_u64(crc64(std::string_view{bytes}.substr(0, 24)), bytes.data() + 24);
  return bytes;
}

std::optional<Durable> read_slot(std::string_view content, std::size_t offset) {
  if (content.size() < offset + kSlotBytes) return std::nullopt;
  const auto bytes = content.substr(offset, kSlotBytes);
  if (!bytes.starts_with(kMagic)) return std::nullopt;
  if (get_u64(bytes.data() + 24) != crc64(bytes.substr(0, 24))) return std::nullopt;
  return Durable{get_u64(bytes.data() + 8), get_u64(bytes.data() + 16)};
}

}  // namespace

std::string Marker::content(const Durable& durable) {
  std::string bytes = slot(durable);
  bytes.resize(kSlotApart);
  return bytes + slot(durable);
}

std::optional<Durable> Marker::read(std::string_view content) {
  const auto first = read_slot(content, 0);
  const auto second = read_slot(content, kSlotApart);
  if (!first || !second) return first ? first : second;
  return first->group < second->group ? second : first;
}

Marker::Marker(std::unique_ptr<InPlaceFile> file, const Durable& durable)
    : file_(std::move(file)), noted_(durable), written_(durable), synced_(durable) {}

Status Marker::write(const Durable& durable) {
  written_ = durable;
  return file_->write(slot_ * kSlotApart, slot(durable));
}

Status Marker::note(const Durable& durable) {
  {
    const std::lock_guard lock{noting_};
    noted_ = durable;
  }
  const std::unique_lock writing{writing_, std::try_to_lock};
  return writing.owns_lock() ? write(durable) : Status{};
}

Status Marker::sync() {
  const auto noted = [this] {
    const std::lock_guard lock{noting_};
    return noted_;
  };
  if (noted() == synced_) return {};
  {
    const std::lock_guard lock{writing_};
    const auto latest = noted();
    auto status = written_ == latest ? Status{} : write(latest);
    if (status.ok()) status = file_->sync();
    if (!status.ok()) return status;
    synced_ = latest;
    slot_ ^= 1;
  }
  // Meanwhile note() found the lock taken; it is free now, so from here on note() writes itself.
  const auto latest = noted();
  if (latest == synced_) return {};
  const std::lock_guard lock{writing_};
  return written_ == noted() ? Status{} : write(noted());
}

}  // namespace kvmesh::journal
