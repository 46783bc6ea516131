#include "common/security/key_file.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "common/config/toml_text.h"
#include "common/names.h"
#include "common/security/open_file.h"
#include "common/security/principals.h"
#include "common/security/private_file.h"
#include "common/text.h"

namespace kvmesh::security {
namespace {

using config::Value;

std::string quoted(const std::string& path) { return in_quotes(path, 4096); }

Status refused(const std::string& path, std::string_view text) {
  return {StatusCode::kInvalidArgument, "the key file " + quoted(path) + " " + std::string{text}};
}

Status system_fault(std::string_view verb, const std::string& path) {
  const int error = errno;
  return {StatusCode::kUnavailable, "cannot " + std::string{verb} + " the key file " +
                                        quoted(path) + ": " +
                                        std::generic_category().message(error)};
}

void wipe(Value& value) {
  sodium_memzero(value.text.data(), value.text.size());
  for (auto& child : value.children) wipe(child);
}

const std::string* text_of(const Value& file, std::string_view key) {
  const auto* value = file.find(key);
  return value != nullptr && value->kind == Value::Kind::kString ? &value->text : nullptr;
}

// One, or a list of them.
Result<std::vector<PublicKey>> public_keys(const Value& value) {
  const auto invalid = [](const char* text) { return Status{StatusCode::kInvalidArgument, text}; };
  std::vector<PublicKey> out;
  const auto read = [&](const Value& one) -> Status {
    if (one.kind != Value::Kind::kString) return invalid("is no text");
    const auto key = PublicKey::parse(one.text);
    if (key) out.push_back(*key);
    return key.status();
  };
  if (value.kind != Value::Kind::kArray) {
    if (auto status = read(value); !status.ok()) return status;
    return out;
  }
  for (const auto& one : value.children) {
    if (auto status = read(one); !status.ok()) return status;
  }
  if (out.empty()) return invalid("is an empty list");
  return out;
}

Status read_nodes(const Value& nodes, const std::string& path, KeyFile& out) {
  for (const auto& node : nodes.children) {
    auto keys = public_keys(node);
    if (!keys) {
      return refused(path, "has no public key for " + in_quotes(node.key) + " in line " +
                               std::to_string(node.place.line) + ": what stands there " +
                               keys.status().text());
    }
    out.nodes.emplace(node.key, *std::move(keys));
  }
  return {};
}

Result<KeyFile> parse(const Value& file, const std::string& path) {
  const auto* node = text_of(file, "node");
  const auto* user = text_of(file, "user");
  const auto* public_text = text_of(file, "public");
  const auto* secret_text = text_of(file, "secret");
  if ((node == nullptr) == (user == nullptr) || public_text == nullptr || secret_text == nullptr) {
    return refused(path, "must hold node or user, public and secret, as kvmesh keygen writes them");
  }
  const auto& name = node != nullptr ? *node : *user;
  if (node != nullptr ? !NodeName::parse(name).ok() : !check_user_name(name).ok()) {
    return refused(path, "holds a name that is none");
  }
  auto secret = SecretKey::parse(*secret_text);
  if (!secret) return refused(path, "holds a secret that " + secret.status().text());
  KeyFile out{name, node != nullptr, KeyPair{*std::move(secret)}, {}};
  const auto stated = PublicKey::parse(*public_text);
  if (!stated || *stated != out.keys.public_key) {
    return refused(path, "holds two halves of different keys; make a new one with kvmesh keygen");
  }
  if (const auto* nodes = file.find("nodes"); nodes != nullptr) {
    if (auto status = read_nodes(*nodes, path, out); !status.ok()) return status;
  }
  return out;
}

std::string content_of(const KeyFile& key) {
  std::string out =
      "# The key of " + std::string{key.is_node ? "the node " : "the user "} + key.principal +
      " of kvmesh. Whoever reads this file can pass for that one: keep it to yourself."
      "\n";
  out += std::string{key.is_node ? "node" : "user"} + " = \"" + key.principal + "\"\n";
  out += "public = \"" + key.keys.public_key.str() + "\"\n";
  WipedText secret{key.keys.secret_key.str()};
  out += "secret = \"" + secret.text + "\"\n";
  if (key.is_node) return out;
  out += "\n# The public keys of nodes, by the endpoints that this user connects to.\n[nodes]\n";
  for (const auto& [endpoint, keys] : key.nodes) {
    const bool one = keys.size() == 1;
    out += "\"" + endpoint + (one ? "\" = " : "\" = [");
    for (const auto& node : keys) out += (&node == keys.data() ? "\"" : ", \"") + node.str() + "\"";
    out += one ? "\n" : "]\n";
  }
  return out;
}

}  // namespace

Result<KeyFile> read_key_file(const std::string& path) {
  WipedText content;
  if (auto status = read_private_file(path, content); !status.ok()) return status;
  config::Faults faults;  // are not shown: they may hold what stands in the file
  auto value = config::parse_toml(content.text, path, faults);
  if (!value) return refused(path, "is not what kvmesh keygen writes: it is no TOML");
  auto out = parse(*value, path);
  wipe(*value);
  return out;
}

Status write_key_file(const std::string& path, const KeyFile& key) {
  return write_secret_file(path, WipedText{content_of(key)}.text);
}

Status write_secret_file(const std::string& path, std::string_view text) {
  const OpenFile file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                             S_IRUSR | S_IWUSR)};
  if (!file.is_open() && errno == EEXIST) {
    return {StatusCode::kInvalidArgument,
            quoted(path) +
                " is there already, and a key is never written over; choose another "
                "path, or remove it if nobody uses it any more"};
  }
  if (!file.is_open()) return system_fault("make", path);
  while (!text.empty()) {
    const auto count = ::write(file.get(), text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      auto fault = system_fault("write", path);
      (void)::unlink(path.c_str());
      return fault;
    }
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::fchmod(file.get(), S_IRUSR | S_IWUSR) != 0 || ::fsync(file.get()) != 0) {
    return system_fault("write", path);
  }
  const auto parent = std::filesystem::path{path}.parent_path();
  const OpenFile folder{
      ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder.is_open() || ::fsync(folder.get()) != 0) return system_fault("write", path);
  return {};
}

}  // namespace kvmesh::security
