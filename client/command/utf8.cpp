#include "client/command/utf8.h"

#include <cstddef>

namespace kvmesh::command {
namespace {

struct Lead {
  std::size_t length = 0;  // 0: cannot begin a character
  unsigned char second_min = 0x80;
  unsigned char second_max = 0xbf;
};

// Table 3-7 of the Unicode standard: the second byte's range depends on the first.
Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {1};
  if (byte < 0xc2) return {};
  if (byte < 0xe0) return {2};
  if (byte == 0xe0) return {3, 0xa0};
  if (byte == 0xed) return {3, 0x80, 0x9f};
  if (byte < 0xf0) return {3};
  if (byte == 0xf0) return {4, 0x90};
  if (byte < 0xf4) return {4};
  if (byte == 0xf4) return {4, 0x80, 0x8f};
  return {};
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const Lead lead = lead_of(static_cast<unsigned char>(bytes[at]));
    if (lead.length == 0 || lead.length > bytes.size() - at) return false;
    for (std::size_t i = 1; i < lead.length; ++i) {
      const auto byte = static_cast<unsigned char>(bytes[at + i]);
      const unsigned char min = i == 1 ? lead.second_min : 0x80;
      const unsigned char max = i == 1 ? lead.second_max : 0xbf;
      if (byte < min || byte > max) return false;
    }
    at += lead.length;
  }
  return true;
}

}  // namespace kvmesh::command
