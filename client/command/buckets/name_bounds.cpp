#include "client/command/buckets/name_bounds.h"

#include <kvmesh/limits.h>

namespace kvmesh::command {
namespace {

// The greatest name that is smaller than all that begin with `prefix`. REQUIRES: that is not empty.
std::string last_name_before(std::string_view prefix) {
  std::string out{prefix};
  const auto last = static_cast<unsigned char>(out.back());
  out.pop_back();
  if (last == 0) return out;
  out += static_cast<char>(last - 1);
  if (out.size() < limits::kBucketNameBytesMax) out.resize(limits::kBucketNameBytesMax, '\xff');
  return out;
}

// The smallest name that is greater than all that begin with `prefix`.
std::optional<std::string> first_name_beyond(std::string_view prefix) {
  std::string out{prefix};
  while (!out.empty() && out.back() == '\xff') out.pop_back();
  if (out.empty()) return std::nullopt;
  out.back() = static_cast<char>(static_cast<unsigned char>(out.back()) + 1);
  return out;
}

}  // namespace

NameBounds names_in(ByteRange range) {
  const char first = static_cast<char>(range.first);
  const char last = static_cast<char>(range.last);
  return {last_name_before({&first, 1}), first_name_beyond({&last, 1})};
}

NameBounds names_with(std::string_view prefix) {
  if (prefix.empty()) return {};
  return {last_name_before(prefix), first_name_beyond(prefix)};
}

}  // namespace kvmesh::command
