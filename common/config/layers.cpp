#include "common/config/layers.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "common/config/toml_text.h"
#include "common/text.h"

namespace kvmesh::config {
namespace {

// A full configuration (1024 peers, 1024 entries, every name as long as can be) is smaller than
// this.
constexpr std::size_t kFileBytesMax = std::size_t{4} * 1024 * 1024;

using KeyParts = std::vector<std::string>;

std::string reason(int error) { return std::generic_category().message(error); }

std::optional<std::string> read_file(const std::string& path, Faults& faults) {
  const Place place{Place::Origin::kFile, path, 0};
  const auto refuse = [&](const std::string& why, std::string_view what_to_do) {
    faults.add(place, "file", "cannot be read: " + why + "; " + std::string{what_to_do});
    return std::nullopt;
  };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);  // NOLINT(*-vararg): POSIX
  if (file < 0) return refuse(reason(errno), "check the path and its permissions");
  std::string text;
  std::array<char, 16 * 1024> buffer{};
  struct stat info {};
  int error = ::fstat(file, &info) == 0 ? 0 : errno;
  if (error == 0 && S_ISDIR(info.st_mode)) error = EISDIR;
  while (error == 0 && text.size() <= kFileBytesMax) {
    const auto count = ::read(file, buffer.data(), buffer.size());
    if (count == 0) break;
    if (count > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  ::close(file);
  if (error != 0) return refuse(reason(error), "name a TOML file");
  if (text.size() > kFileBytesMax) {
    return refuse("it is over the limit of " + std::to_string(kFileBytesMax) + " bytes",
                  "name a TOML file");
  }
  return text;
}

// A part in quotes, from `text`'s first byte; what follows it stays in `text`. Escapes are TOML's.
std::optional<std::string> take_quoted_part(std::string_view& text) {
  std::size_t end = 1;
  while (end < text.size() && text[end] != text[0])
    end += text[0] == '"' && text[end] == '\\' ? 2 : 1;
  if (end >= text.size()) return std::nullopt;
  const auto part = parse_toml_value(text.substr(0, end + 1), Place{});
  text.remove_prefix(end + 1);
  if (!part || part->kind != Value::Kind::kString) return std::nullopt;
  return part->text;
}

// Splits `key=value` at the first `=` outside quotes. A shell removes quotes, so
// `mesh.peers.bar@10.0.0.7` must do: after `mesh.peers` all that is left is one name.
std::optional<std::pair<KeyParts, std::string_view>> split_assignment(std::string_view text) {
  KeyParts parts;
  while (!text.empty()) {
    if (text.front() == '"' || text.front() == '\'') {
      auto part = take_quoted_part(text);
      if (!part) return std::nullopt;
      parts.push_back(std::move(*part));
    } else {
      const bool is_peer = parts == KeyParts{"mesh", "peers"};
      const auto end = text.find_first_of(is_peer ? "=" : ".=");
      if (end == 0 || end == std::string_view::npos) return std::nullopt;
      parts.emplace_back(text.substr(0, end));
      text.remove_prefix(end);
    }
    if (text.empty()) return std::nullopt;
    const char separator = text.front();
    text.remove_prefix(1);
    if (separator == '=') return std::pair{std::move(parts), text};
    if (separator != '.') return std::nullopt;
  }
  return std::nullopt;
}

// KVMESH_KV_SERVER__LISTEN: kv_server, listen.
KeyParts variable_key(std::string_view name) {
  constexpr std::string_view kPrefix = "KVMESH_";
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  std::string lower{name};
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  KeyParts parts;
  std::string_view rest = lower;
  for (auto end = rest.find("__"); end != std::string_view::npos; end = rest.find("__")) {
    parts.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 2);
  }
  parts.emplace_back(rest);
  return parts;
}

// A document that holds just one value, under `parts`.
Value document_of(const KeyParts& parts, std::string_view text, const Place& place) {
  auto value = parse_toml_value(text, place);
  if (!value) {  // not TOML: the text itself, as in --set kv_server.listen=127.0.0.1:4041
    value.emplace();
    value->kind = Value::Kind::kString;
    value->place = place;
    value->text = std::string{text};
  }
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    value->key = *part;
    Value table;
    table.place = place;
    table.children.push_back(std::move(*value));
    value = std::move(table);
  }
  return std::move(*value);
}

}  // namespace

Layers read_layers(const SettingsSources& sources, Faults& faults) {
  Layers out;
  for (const std::string& path : sources.files) {
    const auto text = read_file(path, faults);
    auto document = text ? parse_toml(*text, path, faults) : std::nullopt;
    if (document) {
      merge(out.merged, std::move(*document));
    } else {
      out.complete = false;
    }
  }
  for (const auto& [name, text] : sources.environment) {
    merge(out.merged,
          document_of(variable_key(name), text, {Place::Origin::kEnvironment, name, 0}));
  }
  for (const std::string& assignment : sources.assignments) {
    const Place place{Place::Origin::kAssignment, "", 0};
    const auto split = split_assignment(assignment);
    if (split) {
      merge(out.merged, document_of(split->first, split->second, place));
    } else {
      faults.add(
          place, in_quotes(assignment),
          "is not an assignment; write key=value, as in --set kv_server.listen=127.0.0.1:4041");
      out.complete = false;
    }
  }
  return out;
}

}  // namespace kvmesh::config
