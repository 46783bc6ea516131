#include "client/bench/codec.h"

namespace kvmesh::bench {
namespace {

void append_line(std::string& out, const Operation& operation) {
  switch (operation.kind) {
    case Operation::Kind::kCreate:
      out.append("CREATE ").append(operation.bucket);
      break;
    case Operation::Kind::kDrop:
      out.append("DROP ").append(operation.bucket);
      break;
    case Operation::Kind::kPut:
      out.append("PUT ").append(operation.bucket).append(" ").append(operation.key);
      out.append(" ").append(operation.value);
      break;
    case Operation::Kind::kGet:
      out.append("GET ").append(operation.bucket).append(" ").append(operation.key);
      break;
    case Operation::Kind::kCall:   // the protocol has none
    case Operation::Kind::kApply:  // only the native one is asked for it
      break;
  }
  out.append("\r\n");
}

constexpr std::string_view kOk = "OK\r\n";
constexpr std::string_view kError = "ERROR ";

// Of a line that says that a request failed: "NOT FOUND", or "ERROR code text". No value begins so:
// values hold no blanks.
std::optional<StatusCode> failure_of(std::string_view line) {
  if (line == "NOT FOUND\r\n") return StatusCode::kNotFound;
  if (!line.starts_with(kError)) return std::nullopt;
  line.remove_prefix(kError.size());
  return status_code_from_name(line.substr(0, line.find_first_of(" \r")));
}

class LineCodec final : public Codec {
 public:
  bool has_buckets() const override { return true; }
  void append(std::string& out, const Operation& operation) override {
    append_line(out, operation);
  }

  Result<Parsed> parse(std::string_view in, Operation::Kind expected,
                       std::string& /*out*/) override {
    // A large value comes in many pieces: what was searched for its end is not searched again.
    const auto end = in.find('\n', searched_);
    if (end == std::string_view::npos) {
      searched_ = in.size();
      return Parsed{};
    }
    searched_ = end;
    const auto rest = in.substr(end + 1);
    if (const auto code = failure_of(in.substr(0, end + 1))) {
      return done(end + 1, {0, Reply::Kind::kFailed, *first_line(in), *code});
    }
    if (expected != Operation::Kind::kGet) {
      if (in.substr(0, end + 1) != kOk) return unexpected(in, "OK");
      return done(kOk.size(), {0, Reply::Kind::kDone, {}});
    }
    const auto value = *first_line(in);
    if (value == "UNKNOWN COMMAND" || value.starts_with(kError)) return unexpected(in, "a value");
    if (rest.size() < kOk.size() && kOk.starts_with(rest)) return Parsed{};
    if (!rest.starts_with(kOk)) return unexpected(rest, "OK after a value");
    const auto kind = value.empty() ? Reply::Kind::kMissing : Reply::Kind::kValue;
    return done(end + 1 + kOk.size(), {0, kind, value});
  }

 private:
  Parsed done(std::size_t taken, Reply reply) {
    searched_ = 0;
    return {taken, reply};
  }
  std::size_t searched_ = 0;  // bytes of the next reply that hold no line end
};

class NullCodec final : public Codec {
 public:
  void append(std::string& out, const Operation& operation) override {
    append_line(out, operation);
  }
  Result<Parsed> parse(std::string_view in, Operation::Kind /*expected*/,
                       std::string& /*out*/) override {
    if (in.starts_with(kOk)) return Parsed{kOk.size(), Reply{0, Reply::Kind::kEcho, {}}};
    if (!kOk.starts_with(in)) return unexpected(in, "OK");
    return Parsed{};
  }
};

}  // namespace

std::unique_ptr<Codec> make_line_codec() { return std::make_unique<LineCodec>(); }
std::unique_ptr<Codec> make_null_codec() { return std::make_unique<NullCodec>(); }

}  // namespace kvmesh::bench
