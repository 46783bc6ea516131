#include "node/tasks/nesting.h"

#include <string>

#include <kvmesh/limits.h>

#include "common/wire/reader.h"
#include "common/wire/value_codec.h"

namespace kvmesh::tasks {
namespace {

using Type = wire::Reader::Type;

constexpr std::size_t kRoom = 0x40;  // elements of what is around

}  // namespace

bool is_container(std::string_view packed) {
  const auto type = wire::Reader{packed}.peek();
  return type == Type::kArray || type == Type::kMap;
}

Status check_nesting(std::string_view packed, unsigned levels) {
  if (!is_container(packed)) return {};
  // An array of kRoom elements, of which this value, in further arrays, is the last.
  std::string around{"\xdc\x00\x40", 3};
  around.append(kRoom - 1, '\xc0');
  around.append(levels - 1, '\x91');
  around.append(packed);
  wire::Reader reader{around};
  reader.skip();
  if (!reader.failed()) return {};
  return {StatusCode::kTooLarge, "it nests deeper than the limit of " +
                                     std::to_string(limits::kNestingMax - levels) +
                                     ", or has more elements than the limit of " +
                                     std::to_string(limits::kValueItemsMax - kRoom)};
}

Status check_message(std::string_view packed) {
  const auto type = wire::Reader{packed}.peek();
  if (is_container(packed) || type == Type::kExt) {
    if (const auto value = wire::unpack_value(packed); !value) {
      return {StatusCode::kInvalidArgument, "the message cannot be read: " + value.status().text()};
    }
  }
  return check_nesting(packed, kLevelsAroundMessage);
}

}  // namespace kvmesh::tasks
