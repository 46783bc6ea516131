#include "client/command/shell/lines.h"

#include <cstdio>
#include <cstdlib>

namespace kvmesh::command::shell {

PlainLines::~PlainLines() { std::free(buffer_); }

Lines::Got PlainLines::next(const std::string& /*prompt*/, std::string& line) {
  auto length = getline(&buffer_, &size_, stdin);
  if (length < 0) return Got::kEnd;
  if (length > 0 && buffer_[length - 1] == '\n') --length;
  line.assign(buffer_, static_cast<std::size_t>(length));
  return Got::kLine;
}

}  // namespace kvmesh::command::shell
