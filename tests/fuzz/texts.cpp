// The small forms that people write and kvmesh writes back: what is read comes out of its own text.

#include <kvmesh/limits.h>
#include <kvmesh/pid.h>

#include <algorithm>
#include <string>
#include <vector>

#include "client/command/base/numbers.h"
#include "client/command/base/values.h"
#include "client/command/shell/shell_values.h"
#include "client/command/shell/statement.h"
#include "common/config/address.h"
#include "common/config/allowed.h"
#include "common/config/size_text.h"
#include "common/names.h"
#include "common/routing_table.h"
#include "common/text.h"
#include "common/utf8.h"
#include "common/wire/value_codec.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/input.h"

namespace kvmesh::fuzz {
namespace {

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7f;
  });
}

void check_names(std::string_view text) {
  const auto name = NodeName::parse(text);
  check(name.ok() ? name->str() == text : printable(name.status().text()),
        "a node's name is its text");
  if (const auto pid = Pid::parse(text)) {
    check(pid->to_string() == text, "a pid is its text", pid->to_string());
  }
  if (const auto code = status_code_from_name(text)) {
    check(to_string(*code) == text, "a code is its name");
  }
  (void)command::parse_pid(text, "foo@h");
  const auto patterns = std::vector{std::string{text}, std::string{"a.b"}};
  if (const auto allowed = Allowed::parse(patterns)) {
    check(allowed->allows("a.b") && allowed->allows("kv.get"), "what is listed is allowed");
    check(Allowed::parse(allowed->patterns()).value() == *allowed, "a list is its patterns");
  }
}

void check_numbers(std::string_view text) {
  const auto range = ByteRange::parse(text);
  if (range) {
    check(range->first <= range->last, "a range is not reversed");
    const auto again = ByteRange::parse(range->to_string());
    check(again.ok() && *again == *range, "a range is its text", range->to_string());
  } else {
    check(printable(range.status().text()), "a reason can be shown", range.status().text());
  }
  if (const auto route = RouteRange::parse(text)) {
    const auto again = RouteRange::parse(route->to_string());
    check(again.ok() && *again == *route, "an entry's range is its text", route->to_string());
  }
  if (const auto bytes = config::parse_size(text)) {
    check(*bytes >= 0, "a size is none below 0");
    check(config::parse_size(config::size_text(*bytes)) == bytes, "a size is its text");
  }
  if (const auto duration = command::parse_duration(text)) {
    check(*duration >= std::chrono::milliseconds{1} && *duration <= limits::kTimeoutMax,
          "a duration is within its limits");
  }
}

void check_addresses(std::string_view text) {
  for (const auto use : {AddressUse::kListen, AddressUse::kConnect}) {
    const auto address = parse_host_port(text, use);
    const auto endpoint = check_endpoint(text, use);
    const auto with_scheme = check_endpoint("tcp://" + std::string{text}, use);
    check(address.ok() == with_scheme.ok(), "an endpoint is a host and a port");
    if (address || endpoint.ok()) (void)is_loopback(text);
    if (!address) continue;
    check(!address->host.empty(), "an address has a host");
    check(use == AddressUse::kListen || (address->port != 0 && address->host != "*"),
          "one can connect to an address");
    const bool v6 = address->host.find(':') != std::string::npos;
    const auto written =
        (v6 ? "[" + address->host + "]" : address->host) + ":" + std::to_string(address->port);
    const auto again = parse_host_port(written, use);
    check(again.ok() && again->host == address->host && again->port == address->port,
          "an address is its host and its port", written);
  }
}

void check_shown(std::string_view text) {
  const auto shown = in_quotes(text);
  check(printable(shown) && shown.size() >= 2 && shown.size() < 4 * 64 + 64,
        "a quoted text can be shown and is short");
  check(printable(command::quoted_text(text)) && is_utf8(command::quoted_text(text)),
        "a quoted text can be shown");
  const auto cut = text.substr(0, 64);
  check(edit_distance(cut, cut) == 0 && edit_distance(cut, "") == cut.size(), "distances");
}

// Its lines, as a prompt gets them.
void check_statement(std::string_view text) {
  using namespace command::shell;
  StatementReader reader;
  std::size_t at = 0;
  do {
    const auto end = std::min(text.find('\n', at), text.size());
    if (!reader.add(text.substr(at, end - at)).ok()) return;
    at = end + 1;
  } while (reader.is_open() && at <= text.size());
  if (reader.is_open()) {
    check(printable(reader.unclosed().text()), "a reason can be shown", reader.unclosed().text());
    return;
  }
  auto words = reader.take().words;
  const Lookup lookup = [](std::string_view name) -> Result<Value> {
    if (name == "x") return Value{Value::List{"x", 1}};
    return Status{StatusCode::kInvalidArgument, "there is none"};
  };
  if (const auto status = resolve(words, lookup); !status.ok()) {
    check(printable(status.text()), "a reason can be shown", status.text());
    return;
  }
  for (const auto& word : words) {
    (void)text_of(word);
    const auto value = value_of(word);
    if (!value) continue;
    wire::Buffer packed;
    check(wire::pack_value(packed, *value).ok(), "a value can be sent");
  }
}

void check_arguments(std::string_view text) {
  if (const auto value = command::parse_argument(text)) {
    wire::Buffer packed;
    check(wire::pack_value(packed, *value).ok(), "an argument can be sent");
    const auto came = wire::unpack_value(packed.view());
    check(came.ok(), "an argument can be received", came.status().text());
    (void)command::value_text(*value, 20);
  }
  check(printable(command::text_warning(text)), "a warning can be shown");
}

}  // namespace
}  // namespace kvmesh::fuzz

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it so
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kvmesh::fuzz;
  const auto text = as_bytes(data, size);
  check_names(text);
  check_numbers(text);
  check_addresses(text);
  check_shown(text);
  check_arguments(text);
  check_statement(text);
  return 0;
}
