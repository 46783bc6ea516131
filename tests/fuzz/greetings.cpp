// HELLO, WELCOME and REFUSED: each is read from just those contents that msgpack-cxx finds to be an
// array of the fields it must have, with the same values, and comes out of its own encoding again.

#include <algorithm>
#include <optional>
#include <string_view>

#include "common/wire/frame.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/theirs.h"

namespace kvmesh::fuzz {
namespace {

using wire::FrameKind;

// 'u' an unsigned integer, 'n' a str of the size of a name, 's' a str of any.
bool has_fields(const std::optional<Theirs>& theirs, std::string_view kinds) {
  if (!theirs) return false;
  const auto fields = elements(theirs->value.get());
  if (fields.size() < kinds.size()) return false;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (kinds[i] == 'u' ? !is_uint(fields[i]) : !is_str(fields[i])) return false;
    if (kinds[i] == 'n' && str_of(fields[i]).size() > limits::kNodeNameBytesMax) return false;
  }
  return std::ranges::all_of(fields.subspan(kinds.size()), within);  // of later versions
}

std::string_view content_of(const wire::Buffer& frame, FrameKind kind) {
  const auto parsed = wire::parse_frame(frame.view());
  check(parsed.frame && parsed.frame->kind == kind, "an encoded frame is one of its kind");
  return parsed.frame->content;
}

void check_hello(std::string_view content) {
  const auto hello = wire::decode_hello(content);
  const auto theirs = unpack_fields(content);
  check(hello.has_value() == has_fields(theirs, "uunnu"), "HELLO is judged as by msgpack-cxx");
  if (!hello) return;
  const auto fields = elements(theirs->value.get());
  check(hello->version_min == fields[0].via.u64 && hello->version_max == fields[1].via.u64 &&
            hello->name == str_of(fields[2]) && hello->software == str_of(fields[3]) &&
            hello->table_epoch == fields[4].via.u64,
        "HELLO has msgpack-cxx's values");
  wire::Buffer frame;
  encode(frame, *hello);
  const auto again = wire::decode_hello(content_of(frame, FrameKind::kHello));
  check(again && again->version_min == hello->version_min &&
            again->version_max == hello->version_max && again->name == hello->name &&
            again->software == hello->software && again->table_epoch == hello->table_epoch &&
            again->clock_us == hello->clock_us && again->incarnation == hello->incarnation,
        "HELLO comes out of its encoding");
}

void check_welcome(std::string_view content) {
  const auto welcome = wire::decode_welcome(content);
  const auto theirs = unpack_fields(content);
  check(welcome.has_value() == has_fields(theirs, "unnuuu"), "WELCOME is judged as by msgpack-cxx");
  if (!welcome) return;
  const auto fields = elements(theirs->value.get());
  const auto same = [](const wire::Welcome& a, const wire::Welcome& b) {
    return a.version == b.version && a.name == b.name && a.software == b.software &&
           a.table_epoch == b.table_epoch && a.in_flight_max == b.in_flight_max &&
           a.in_flight_bytes_max == b.in_flight_bytes_max;
  };
  check(same(*welcome, {fields[0].via.u64, str_of(fields[1]), str_of(fields[2]), fields[3].via.u64,
                        fields[4].via.u64, fields[5].via.u64}),
        "WELCOME has msgpack-cxx's values");
  wire::Buffer frame;
  encode(frame, *welcome);
  const auto again = wire::decode_welcome(content_of(frame, FrameKind::kWelcome));
  check(again && same(*again, *welcome), "WELCOME comes out of its encoding");
}

void check_refused(std::string_view content) {
  const auto refused = wire::decode_refused(content);
  const auto theirs = unpack_fields(content);
  check(refused.has_value() == has_fields(theirs, "us"), "REFUSED is judged as by msgpack-cxx");
  if (!refused) return;
  const auto fields = elements(theirs->value.get());
  const auto code = status_code_from_number(fields[0].via.u64);
  check(refused->code == code.value_or(StatusCode::kInternal) && refused->text == str_of(fields[1]),
        "REFUSED has msgpack-cxx's values");
  wire::Buffer frame;
  encode(frame, *refused);
  const auto again = wire::decode_refused(content_of(frame, FrameKind::kRefused));
  check(again && again->code == refused->code && again->text == refused->text,
        "REFUSED comes out of its encoding");
}

}  // namespace
}  // namespace kvmesh::fuzz

// The input is a frame. Its content is tried as each kind, whatever its header says: then what is
// learned of one kind helps with the others.
// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it so
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kvmesh::fuzz;
  const auto bytes = as_bytes(data, size);
  const auto parsed = kvmesh::wire::parse_frame(bytes);
  if (parsed.frame) {
    const auto kind = static_cast<std::uint8_t>(parsed.frame->kind);
    check(kind >= 1 && kind <= kvmesh::wire::kFrameKindLast, "a frame has a kind that we know");
    check(kind == data[1] && parsed.frame->content == bytes.substr(2), "a frame is its bytes");
  } else {
    check(!to_string(parsed.refusal).empty(), "a refusal has a name");
  }
  const auto content = bytes.substr(std::min<std::size_t>(size, kvmesh::wire::kFrameHeaderBytes));
  check_hello(content);
  check_welcome(content);
  check_refused(content);
  return 0;
}
