#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include <kvmesh/limits.h>
#include <kvmesh/status.h>

#include "node/line/command.h"
#include "node/line/data_command.h"
#include "node/line/transaction.h"
#include "node/line/words.h"
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
  void set_locked(bool locked) override;
  bool is_skipping() const override { return lines_.is_skipping(); }
  void append_reply(wire::Buffer& out, stream::Tag tag, const ReplyView& reply) const override;
  std::string_view constant(stream::Tag tag) const override;
  std::size_t kept_bytes() const override { return transaction_ ? transaction_->bytes() : 0; }
  void keep_no_more() override;
  void append_identity(wire::Buffer& out, std::string_view name) const override;
  void wipe_secret() override { words_.wipe(); }
  void append_error(wire::Buffer& out, StatusCode code, std::string_view text) const override;

 private:
  void refuse(const stream::LineSplitter::Line& line, stream::Message& message);

  std::size_t line_limit() const;
  void next_login(std::string_view line, stream::Message& message);
  void next_data_command(Verb verb, std::string_view line, RequestView& request,
                         wire::Buffer& scratch, stream::Message& message);
  Status take(const DataCommand& command, RequestView& request, wire::Buffer& scratch,
              stream::Message& message);
  Status commit(const DataCommand& command, RequestView& request, wire::Buffer& scratch);
  void answer_error(const Status& fault, stream::Message& message);
  void answer_unknown(stream::Message& message);
  void fail_transaction(const Status& fault);

  stream::LineSplitter lines_;
  std::size_t line_bytes_max_;
  bool locked_ = false;
  wire::Buffer refusal_;                      // the last one
  Words words_;                               // of the last line that may have had quotes
  std::unique_ptr<Transaction> transaction_;  // from BEGIN to COMMIT or ABORT
};

}  // namespace kvmesh::line
