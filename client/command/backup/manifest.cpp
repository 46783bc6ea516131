#include "client/command/backup/manifest.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <nlohmann/json.hpp>
#include <numeric>

#include "client/command/backup/files.h"
#include "client/command/backup/members.h"
#include "client/command/base/json.h"

namespace kvmesh::command {
namespace {

constexpr std::string_view kFormat = "kvmesh backup";
constexpr std::uint64_t kVersion = 1;
// The last member: the SHA-256 of all that stands before it.
constexpr std::string_view kSeal = "  \"sha256\": \"";

// A list with each item on a line of its own.
template <typename Items, typename ToValue>
std::string lines(const Items& items, ToValue to_value) {
  std::string out = "[";
  const char* before = "\n    ";
  for (const auto& item : items) {
    out += before + Value{to_value(item)}.to_json();
    before = ",\n    ";
  }
  return out + (items.empty() ? "]" : "\n  ]");
}

std::string member(std::string_view name, const std::string& json) {
  return "  " + Value{std::string{name}}.to_json() + ": " + json;
}

Value::Map to_value(const Manifest::File& file) {
  return {{"file", file.name},
          {"bytes", file.bytes},
          {"sha256", file.sha256},
          {"buckets", file.buckets},
          {"records", file.records}};
}

Value::Map to_value(const Manifest::Node& node) {
  Value::List table;
  for (const auto& [range, owner] : node.table) {
    table.push_back(Value::Map{{"range", range}, {"node", owner}});
  }
  return {{"node", node.name}, {"routing_table", std::move(table)}};
}

}  // namespace

std::uint64_t Manifest::buckets() const {
  return std::accumulate(files.begin(), files.end(), std::uint64_t{0},
                         [](auto sum, const File& file) { return sum + file.buckets; });
}
std::uint64_t Manifest::records() const {
  return std::accumulate(files.begin(), files.end(), std::uint64_t{0},
                         [](auto sum, const File& file) { return sum + file.records; });
}
std::uint64_t Manifest::bytes() const {
  return std::accumulate(files.begin(), files.end(), std::uint64_t{0},
                         [](auto sum, const File& file) { return sum + file.bytes; });
}

std::string to_text(const Manifest& manifest) {
  std::vector<std::string> members = {
      member("format", Value{std::string{kFormat}}.to_json()),
      member("version", Value{kVersion}.to_json()),
      member("begun_ms", Value{manifest.begun_ms}.to_json()),
      member("ended_ms", Value{manifest.ended_ms}.to_json()),
  };
  if (manifest.of) members.push_back(member("of", Value{*manifest.of}.to_json()));
  if (manifest.range) members.push_back(member("range", Value{*manifest.range}.to_json()));
  const auto as_value = [](const auto& item) { return to_value(item); };
  const auto as_text = [](const std::string& text) { return Value{Bytes{text}}; };
  members.push_back(member("last_rev", Value{manifest.last_rev}.to_json()));
  members.push_back(member("nodes", lines(manifest.nodes, as_value)));
  members.push_back(member("files", lines(manifest.files, as_value)));
  members.push_back(member("missing", lines(manifest.missing, as_text)));
  std::string out = "{\n";
  for (const auto& one : members) out += one + ",\n";
  return sealed(std::move(out));
}

std::string sealed(std::string text) {
  text.resize(std::min(text.size(), text.rfind(kSeal)));
  auto seal = std::string{kSeal} + sha256_of(text) + "\"\n}\n";
  return std::move(text) + seal;
}

Result<Manifest> parse_manifest(std::string_view text) {
  const auto wrong = [](const std::string& why) {
    return Status{StatusCode::kInvalidArgument, why};
  };
  const auto json = parse_strict_json(text);
  if (!json) return wrong("it is no JSON: " + json.status().text());
  Members members{*json};
  std::string format;
  std::uint64_t version = 0;
  members.take("format", format);
  members.take("version", version);
  if (!members.fault().empty() || format != kFormat) return wrong("it is not that of a backup");
  if (version != kVersion) {
    return wrong("the backup is of format " + std::to_string(version) + "; this kvmesh reads " +
                 std::to_string(kVersion));
  }
  if (sealed(std::string{text}) != text) return wrong("its SHA-256 is not that of its content");
  Manifest out;
  members.take("begun_ms", out.begun_ms);
  members.take("ended_ms", out.ended_ms);
  members.take_optional("of", out.of);
  members.take_optional("range", out.range);
  members.take("last_rev", out.last_rev);
  members.take_list("nodes", out.nodes, [](Members& node, Manifest::Node& to) {
    node.take("node", to.name);
    node.take_list("routing_table", to.table, [](Members& entry, auto& pair) {
      entry.take("range", pair.first);
      entry.take("node", pair.second);
    });
  });
  members.take_list("files", out.files, [](Members& file, Manifest::File& to) {
    file.take("file", to.name);
    file.take("bytes", to.bytes);
    file.take("sha256", to.sha256);
    file.take("buckets", to.buckets);
    file.take("records", to.records);
  });
  members.take("missing", out.missing);
  if (!members.fault().empty()) return wrong(members.fault());
  // A name is one of the folder, and of nothing else.
  const auto is_outside = [](const Manifest::File& file) {
    return file.name.empty() || file.name.front() == '.' ||
           file.name.find('/') != std::string::npos;
  };
  if (std::ranges::any_of(out.files, is_outside)) return wrong("a file has no name of a file");
  return out;
}

std::string date_text(std::int64_t ms_since_1970) {
  const auto seconds = static_cast<std::time_t>(ms_since_1970 / 1000);
  std::tm parts{};
  std::array<char, 32> text{};
  if (gmtime_r(&seconds, &parts) == nullptr) return "unknown";
  const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return {text.data(), size};
}

}  // namespace kvmesh::command
