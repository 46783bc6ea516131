#include "node/tasks/output_window.h"

#include <cstdlib>

#include <kvmesh/limits.h>

#include "common/wire/pack.h"

namespace kvmesh::tasks {

void OutputWindow::append(Stream stream, std::string_view chunk) {
  if (held_.bytes() + chunk.size() > limits::kTaskOutputBytesMax) std::abort();
  if (chunk.empty()) return;
  held_.add(chunk.size());
  ++chunks_;
  wire::pack_array(packed_, 2);
  wire::pack_uint(packed_, static_cast<std::uint64_t>(stream));
  wire::pack_bin(packed_, chunk);
}

std::size_t OutputWindow::take(wire::Buffer& out) {
  wire::pack_array(out, chunks_);
  out.append(packed_.view());
  return drop();
}

std::size_t OutputWindow::drop() {
  const auto freed = held_.bytes();
  held_.clear();
  chunks_ = 0;
  packed_.clear();
  packed_.shrink(0);
  return freed;
}

}  // namespace kvmesh::tasks
