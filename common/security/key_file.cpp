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
#include "common/security/principals.h"
#include "common/text.h"

namespace kvmesh::security {
namespace {

using config::Value;

constexpr std::size_t kFileBytesMax = 256 * 1024;
constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

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

// A descriptor that is closed at the end.
class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

// Text that is overwritten before its memory is somebody else's.
struct WipedText {
  std::string text;
  ~WipedText() { sodium_memzero(text.data(), text.size()); }
};

void wipe(Value& value) {
  sodium_memzero(value.text.data(), value.text.size());
  for (auto& child : value.children) wipe(child);
}

// Whoever may change a folder can put another file in the place of this one.
Status check_folders(const std::string& path) {
  std::error_code error;
  const auto whole = std::filesystem::weakly_canonical(path, error);
  if (error) return refused(path, "cannot be found: " + error.message());
  for (auto folder = whole.parent_path();; folder = folder.parent_path()) {
    struct stat about {};
    if (::stat(folder.c_str(), &about) != 0) return system_fault("look for", path);
    const bool others_may = (about.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    if (others_may && (about.st_mode & S_ISVTX) == 0) {
      return refused(
          path, "stands in a folder that others may change; type chmod go-w " + folder.string());
    }
    if (about.st_uid != 0 && about.st_uid != ::geteuid()) {
      return refused(path, "stands in a folder of somebody else, " + quoted(folder.string()) +
                               "; keep it in one of your own");
    }
    if (folder == folder.parent_path()) return {};
  }
}

Status check_file(const std::string& path, const struct stat& about) {
  if (!S_ISREG(about.st_mode)) return refused(path, "is no file");
  if (about.st_uid != 0 && about.st_uid != ::geteuid()) {
    return refused(
        path, "belongs to somebody else; type chown " + std::to_string(::geteuid()) + " " + path);
  }
  if ((about.st_mode & kOthers) != 0) {
    return refused(path, "can be read or written by others; type chmod 600 " + path);
  }
  return {};
}

Status read_all(int descriptor, const std::string& path, std::string& out) {
  out.resize(kFileBytesMax + 1);  // at once: what grows leaves copies
  std::size_t size = 0;
  while (size < out.size()) {
    const auto count = ::read(descriptor, out.data() + size, out.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_fault("read", path);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > kFileBytesMax) return refused(path, "is too large to be one");
  out.resize(size);
  return {};
}

const std::string* text_of(const Value& file, std::string_view key) {
  const auto* value = file.find(key);
  return value != nullptr && value->kind == Value::Kind::kString ? &value->text : nullptr;
}

Status read_nodes(const Value& nodes, const std::string& path, KeyFile& out) {
  for (const auto& node : nodes.children) {
    auto key = node.kind == Value::Kind::kString
                   ? PublicKey::parse(node.text)
                   : Status{StatusCode::kInvalidArgument, "is no text"};
    if (!key) {
      return refused(path, "has no public key for " + in_quotes(node.key) + " in line " +
                               std::to_string(node.place.line) + ": what stands there " +
                               key.status().text());
    }
    out.nodes.emplace(node.key, *key);
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
  for (const auto& [endpoint, node] : key.nodes) {
    out += "\"" + endpoint + "\" = \"" + node.str() + "\"\n";
  }
  return out;
}

}  // namespace

Result<KeyFile> read_key_file(const std::string& path) {
  const File file{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!file.is_open() && errno == ELOOP) {
    return refused(path, "is a link; write the path that it leads to");
  }
  struct stat about {};
  if (!file.is_open() || ::fstat(file.get(), &about) != 0) {
    auto fault = system_fault("read", path);
    return Status{StatusCode::kInvalidArgument, fault.text()};
  }
  if (auto status = check_file(path, about); !status.ok()) return status;
  if (auto status = check_folders(path); !status.ok()) return status;
  WipedText content;
  if (auto status = read_all(file.get(), path, content.text); !status.ok()) return status;
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
  const File file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
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
  const File folder{
      ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder.is_open() || ::fsync(folder.get()) != 0) return system_fault("write", path);
  return {};
}

}  // namespace kvmesh::security
