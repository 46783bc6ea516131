#include "node/modules/arguments.h"

#include "common/text.h"

namespace kvmesh::modules {

bool Arguments::next() {
  if (left_ == 0 || in_.failed()) return false;
  --left_;
  return true;
}

// Of a request that is not packed, the argument that next() has counted; null when it is packed.
const ArgumentView* Arguments::next_word() {
  if (words_.empty()) return nullptr;
  const auto* word = &words_.front();
  words_ = words_.subspan(1);
  return word;
}

std::string_view Arguments::checked(std::string_view bytes, const functions::Argument& argument) {
  if (bytes.size() > argument.bytes_max && fault_.ok()) {
    fault_ = {StatusCode::kTooLarge, over_limit(argument.name, bytes.size(), argument.bytes_max)};
  }
  return bytes;
}

std::string_view Arguments::bytes(const functions::Argument& argument) {
  if (!next()) {
    missing_ = true;
    return {};
  }
  const auto* word = next_word();
  if (word != nullptr && word->kind != ArgumentView::Kind::kBytes) missing_ = true;
  return checked(word != nullptr ? word->bytes : in_.read_bytes(), argument);
}

std::optional<std::string_view> Arguments::optional_bytes(const functions::Argument& argument) {
  if (!next()) return std::nullopt;
  const auto* word = next_word();
  if (word != nullptr && word->kind == ArgumentView::Kind::kNil) return std::nullopt;
  if (word == nullptr && in_.peek() == wire::Reader::Type::kNil) {
    in_.read_nil();
    return std::nullopt;
  }
  if (word != nullptr && word->kind != ArgumentView::Kind::kBytes) missing_ = true;
  return checked(word != nullptr ? word->bytes : in_.read_bytes(), argument);
}

std::uint64_t Arguments::optional_uint(std::uint64_t otherwise) {
  if (!next()) return otherwise;
  const auto* word = next_word();
  if (word == nullptr) return in_.read_uint();
  if (word->kind != ArgumentView::Kind::kNumber) missing_ = true;
  return word->number;
}

std::optional<std::uint64_t> Arguments::uint_or_nil() {
  if (left_ == 0) return std::nullopt;
  if (in_.peek() != wire::Reader::Type::kNil) return optional_uint(0);
  if (next()) in_.read_nil();
  return std::nullopt;
}

std::string_view Arguments::optional_value() {
  if (!next()) return {};
  const auto before = in_.rest();
  in_.skip();
  return before.substr(0, before.size() - in_.rest().size());
}

std::uint64_t Arguments::uint() {
  missing_ = missing_ || left_ == 0;
  return optional_uint(0);
}

std::string_view Arguments::value() {
  missing_ = missing_ || left_ == 0;
  return optional_value();
}

std::string_view Arguments::array(std::uint32_t& elements) {
  const auto bytes = value();
  wire::Reader inside{bytes};
  elements = inside.read_array();
  if (!bytes.empty() && inside.failed()) in_.fail();
  return bytes;
}

wire::Reader& Arguments::open_array(std::uint32_t& elements) {
  missing_ = missing_ || left_ == 0;
  elements = next() ? in_.read_array() : 0;
  return in_;
}

bool Arguments::optional_bool(bool otherwise) { return next() ? in_.read_bool() : otherwise; }

bool Arguments::is_bytes_next() const {
  const auto type = in_.peek();
  return left_ > 0 && (type == wire::Reader::Type::kStr || type == wire::Reader::Type::kBin);
}

Status Arguments::check() const {
  if (!fault_.ok()) return fault_;
  if (missing_ || left_ > 0 || in_.failed()) {
    return {StatusCode::kInvalidArgument,
            "wrong arguments; the call is " + functions::usage(function_)};
  }
  return {};
}

// Routing has refused an empty name and one over its limit, but a call for a node has no bucket.
bool refuse_target(const functions::Function& function, core::Call& call) {
  const bool for_bucket = function.target == functions::For::kBucket;
  if (for_bucket == !call.bucket().empty()) return false;
  call.fail({StatusCode::kInvalidArgument,
             function.str() + (for_bucket ? " is for a bucket; send it to one, not to a node"
                                          : " is for a node; send it to one, not to a bucket")});
  return true;
}

}  // namespace kvmesh::modules
