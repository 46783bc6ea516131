// The protocols of what kvmesh is compared with.
#include <array>
#include <charconv>
#include <string>

#include "client/bench/codec.h"

namespace kvmesh::bench {
namespace {

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 24> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

std::size_t line_bytes(std::string_view in) { return in.find('\n') + 1; }

class RedisCodec final : public Codec {
 public:
  void append(std::string& out, const Operation& operation) override {
    const bool put = operation.kind == Operation::Kind::kPut;
    out.append(put ? "*4\r\n$4\r\nHSET\r\n" : "*3\r\n$4\r\nHGET\r\n");
    bulk(out, operation.bucket);
    bulk(out, operation.key);
    if (put) bulk(out, operation.value);
  }

  Result<Parsed> parse(std::string_view in, Operation::Kind expected,
                       std::string& /*out*/) override {
    const auto line = first_line(in);
    if (!line) return Parsed{};
    const auto head = line_bytes(in);
    if (expected == Operation::Kind::kPut) {
      if (*line != ":0" && *line != ":1") return unexpected(in, ":0 or :1");
      return Parsed{head, Reply{0, Reply::Kind::kDone, {}}};
    }
    if (*line == "$-1") return Parsed{head, Reply{0, Reply::Kind::kMissing, {}}};
    const auto size = line->starts_with('$') ? parse_number(line->substr(1)) : std::nullopt;
    if (!size) return unexpected(in, "a bulk string");
    if (in.size() < head + *size + 2) return Parsed{};
    if (in.substr(head + *size, 2) != "\r\n") return unexpected(in, "CR LF after a bulk string");
    return Parsed{head + *size + 2, Reply{0, Reply::Kind::kValue, in.substr(head, *size)}};
  }

 private:
  static void bulk(std::string& out, std::string_view text) {
    out.push_back('$');
    append_number(out, text.size());
    out.append("\r\n").append(text).append("\r\n");
  }
};

class MemcachedCodec final : public Codec {
 public:
  void append(std::string& out, const Operation& operation) override {
    const bool put = operation.kind == Operation::Kind::kPut;
    out.append(put ? "set " : "get ").append(operation.bucket).append(":").append(operation.key);
    if (put) {
      out.append(" 0 0 ");
      append_number(out, operation.value.size());
      out.append("\r\n").append(operation.value);
    }
    out.append("\r\n");
  }

  Result<Parsed> parse(std::string_view in, Operation::Kind expected,
                       std::string& /*out*/) override {
    const auto line = first_line(in);
    if (!line) return Parsed{};
    const auto head = line_bytes(in);
    if (expected == Operation::Kind::kPut) {
      if (*line != "STORED") return unexpected(in, "STORED");
      return Parsed{head, Reply{0, Reply::Kind::kDone, {}}};
    }
    if (*line == "END") return Parsed{head, Reply{0, Reply::Kind::kMissing, {}}};
    const auto size = line->starts_with("VALUE ") ? parse_number(line->substr(line->rfind(' ') + 1))
                                                  : std::nullopt;
    if (!size) return unexpected(in, "VALUE or END");
    constexpr std::string_view kEnd = "\r\nEND\r\n";
    if (in.size() < head + *size + kEnd.size()) return Parsed{};
    if (in.substr(head + *size, kEnd.size()) != kEnd) return unexpected(in, "END after a value");
    return Parsed{head + *size + kEnd.size(),
                  Reply{0, Reply::Kind::kValue, in.substr(head, *size)}};
  }
};

// One responder behind one connection answers in the order asked, so replies need no number. Its
// payloads: "P bucket key value" gives "+", "G bucket key" gives "=value" or "-".
class NatsCodec final : public Codec {
 public:
  explicit NatsCodec(const std::string& inbox) : inbox_("_INBOX." + inbox) {}

  std::string greeting() const override {
    return "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c++\",\"version\":\"1\","
           "\"protocol\":1}\r\nSUB " +
           inbox_ + " 1\r\n";
  }
  void append(std::string& out, const Operation& operation) override {
    const bool put = operation.kind == Operation::Kind::kPut;
    payload_.assign(put ? "P " : "G ").append(operation.bucket).append(" ").append(operation.key);
    if (put) payload_.append(" ").append(operation.value);
    out.append("PUB kv ").append(inbox_).append(" ");
    append_number(out, payload_.size());
    out.append("\r\n").append(payload_).append("\r\n");
  }

  Result<Parsed> parse(std::string_view in, Operation::Kind expected, std::string& out) override {
    const auto line = first_line(in);
    if (!line) return Parsed{};
    const auto head = line_bytes(in);
    if (*line == "PING") out.append("PONG\r\n");
    if (*line == "PING" || *line == "PONG" || line->starts_with("INFO ")) {
      return Parsed{head, std::nullopt};
    }
    const auto size =
        line->starts_with("MSG ") ? parse_number(line->substr(line->rfind(' ') + 1)) : std::nullopt;
    if (!size) return unexpected(in, "MSG");
    if (in.size() < head + *size + 2) return Parsed{};
    const auto payload = in.substr(head, *size);
    const auto taken = head + *size + 2;
    if (expected == Operation::Kind::kPut) {
      if (payload != "+") return unexpected(payload, "+");
      return Parsed{taken, Reply{0, Reply::Kind::kDone, {}}};
    }
    if (payload == "-") return Parsed{taken, Reply{0, Reply::Kind::kMissing, {}}};
    if (!payload.starts_with('=')) return unexpected(payload, "= and a value");
    return Parsed{taken, Reply{0, Reply::Kind::kValue, payload.substr(1)}};
  }

 private:
  std::string inbox_;
  std::string payload_;
};

}  // namespace

std::unique_ptr<Codec> make_redis_codec() { return std::make_unique<RedisCodec>(); }
std::unique_ptr<Codec> make_memcached_codec() { return std::make_unique<MemcachedCodec>(); }
std::unique_ptr<Codec> make_nats_codec(const std::string& inbox) {
  return std::make_unique<NatsCodec>(inbox);
}

}  // namespace kvmesh::bench
