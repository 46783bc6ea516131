#pragma once

#include <cstddef>

#include <kvmesh/limits.h>

#include "node/stream/codec.h"
#include "node/stream/line_splitter.h"

namespace kvmesh::line {

/// The line protocol (common/PROTOCOL.md, part 2): each line is a command, each reply is lines.
class LineCodec final : public stream::Codec {
 public:
  explicit LineCodec(std::size_t line_bytes_max = limits::kLineBytesMax)
      : lines_(line_bytes_max), line_bytes_max_(line_bytes_max) {}

  std::string_view name() const override { return "the line protocol"; }
  stream::Message next(std::string_view input, RequestView& request,
                       stream::RequestScratch& scratch) override;
  std::size_t input_max() const override { return lines_.input_max(); }
  bool is_skipping() const override { return lines_.is_skipping(); }
  void append_reply(wire::Buffer& out, stream::Tag tag, const ReplyView& reply) const override;
  std::string_view constant(stream::Tag tag) const override;
  void append_error(wire::Buffer& out, StatusCode code, std::string_view text) const override;

 private:
  void refuse(const stream::LineSplitter::Line& line, stream::Message& message);

  stream::LineSplitter lines_;
  std::size_t line_bytes_max_;
  wire::Buffer refusal_;  // the last one
};

}  // namespace kvmesh::line
