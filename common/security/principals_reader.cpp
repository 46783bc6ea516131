#include "common/security/principals_reader.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <kvmesh/limits.h>

#include "common/config/address.h"
#include "common/config/toml_text.h"
#include "common/names.h"
#include "common/text.h"

namespace kvmesh::security {
namespace {

constexpr std::array<std::string_view, 4> kTop{"node", "user", "anonymous", "revoked"};
constexpr std::array<std::string_view, 4> kOfNode{"keys", "ceiling", "vouch", "address"};
constexpr std::array<std::string_view, 5> kOfUser{"keys", "password", "tokens", "certs", "may"};
constexpr std::array<std::string_view, 1> kOfAnonymous{"may"};
constexpr std::string_view kGrants = R"({ on = "PREFIX", rights = "rw" } or { call = "FUNCTION" })";
constexpr std::string_view kAll = "*";
constexpr std::string_view kPin = "sha256:";

bool is_known(std::string_view key, std::span<const std::string_view> known) {
  return std::ranges::find(known, key) != known.end();
}

// Where the text is not TOML. A parser's message quotes what stands there, maybe a password.
std::uint32_t line_of(std::string_view fault, const std::string& path) {
  fault.remove_prefix(std::min(path.size() + 1, fault.size()));
  std::uint32_t line = 0;
  std::from_chars(fault.data(), fault.data() + fault.size(), line);
  return line;
}

std::string item(const std::string& key, std::size_t index) {
  return key + "[" + std::to_string(index) + "]";
}

}  // namespace

std::shared_ptr<const Principals> PrincipalsReader::read(std::string_view text,
                                                         const std::string& path) {
  out_ = std::shared_ptr<Principals>{new Principals};
  path_ = path;
  config::Faults syntax;
  const auto file = config::parse_toml(text, path, syntax);
  if (!file && syntax.lines().front().find(" syntax error: ") == std::string::npos) {
    (void)config::parse_toml(text, path, faults_);  // it names keys, and nothing else
    return nullptr;
  }
  if (!file) {
    faults_.add({config::Place::Origin::kFile, path, line_of(syntax.lines().front(), path)}, "TOML",
                "syntax error; correct this line or the one before it");
    return nullptr;
  }
  for (const auto& member : file->children) {
    if (member.key == "node") {
      read_all(member, Kind::kNode);
    } else if (member.key == "user") {
      read_all(member, Kind::kUser);
    } else if (member.key == "anonymous") {
      if (is_table(member, "anonymous", "[anonymous]")) {
        read_one(member, Kind::kAnonymous, "anonymous", out_->anonymous_);
      }
    } else if (member.key == "revoked") {
      read_keys(member, "revoked", out_->revoked_);
    } else {
      refuse_unknown(member, member.key, kTop);
    }
  }
  if (out_->all_.size() > limits::kPrincipalsMax) {
    faults_.add(file->place, "node, user",
                "there are " + std::to_string(out_->all_.size()) + ", more than " +
                    std::to_string(limits::kPrincipalsMax) + "; remove those that are not used");
  }
  std::ranges::sort(out_->revoked_);
  index();
  out_->warnings_ = warnings_.lines();
  return out_;
}

void PrincipalsReader::read_all(const Value& table, Kind kind) {
  const bool is_node = kind == Kind::kNode;
  const std::string_view example = is_node ? R"([node."foo@dc1"])" : "[user.app1]";
  if (!is_table(table, table.key, example)) return;
  for (const auto& member : table.children) {
    const auto key = config::join_key(table.key, member.key);
    const auto name = is_node ? NodeName::parse(member.key).status() : check_user_name(member.key);
    if (!name.ok()) {
      refuse(member, key, name.text());
      continue;
    }
    if (!is_table(member, key, example)) continue;
    Principal principal;
    principal.name = member.key;
    principal.is_node = is_node;
    read_one(member, kind, key, principal);
    out_->all_.emplace(member.key, std::move(principal));
  }
}

void PrincipalsReader::read_one(const Value& table, Kind kind, const std::string& key,
                                Principal& out) {
  const auto known = [&]() -> std::span<const std::string_view> {
    if (kind == Kind::kNode) return kOfNode;
    return kind == Kind::kUser ? std::span<const std::string_view>{kOfUser} : kOfAnonymous;
  }();
  if (kind == Kind::kNode && table.find("ceiling") == nullptr) {
    RightSet usual{Right::kRead};
    usual.add(Right::kWrite);
    usual.add(Right::kCall);
    out.rights = Rights::all(usual);
  }
  for (const auto& member : table.children) {
    const auto inner = config::join_key(key, member.key);
    if (!is_known(member.key, known)) {
      refuse_unknown(member, inner, known);
    } else if (member.key == "keys") {
      read_keys(member, inner, out.keys);
    } else if (kind == Kind::kNode) {
      read_node_key(member, inner, out);
    } else {
      read_user_key(member, inner, out);
    }
  }
  if (kind == Kind::kNode && out.keys.empty() && table.find("keys") == nullptr) {
    refuse(table, key,
           R"(has no key; add keys = ["pub_..."], as kvmesh keygen )" + out.name + " prints it");
  }
}

void PrincipalsReader::read_node_key(const Value& value, const std::string& key, Principal& out) {
  if (value.key == "ceiling") return read_ceiling(value, key, out);
  if (value.key == "vouch") {
    if (value.kind != Value::Kind::kBoolean) {
      return refuse(value, key, "is " + config::describe(value) + "; write true or false");
    }
    out.may_vouch = value.integer != 0;
    return;
  }
  const auto* address = text(value, key);
  if (address == nullptr) return;
  out.address = *address;
  const auto status = check_endpoint(*address, AddressUse::kConnect);
  if (!status.ok()) refuse(value, key, status.text());
}

void PrincipalsReader::read_user_key(const Value& value, const std::string& key, Principal& out) {
  if (value.key == "may") return read_may(value, key, out.rights);
  if (value.key == "tokens") return read_tokens(value, key, out);
  if (value.key == "certs") return read_certificates(value, key, out);
  if (value.kind != Value::Kind::kString) return refuse(value, key, "is no text");
  out.password_hash = value.text;
  const auto status = check_password_hash(value.text);
  if (!status.ok()) refuse(value, key, status.text());
}

void PrincipalsReader::read_keys(const Value& value, const std::string& key,
                                 std::vector<PublicKey>& out) {
  if (!is_array(value, key, R"(public keys, as in ["pub_..."])")) return;
  for (std::size_t i = 0; i < value.children.size(); ++i) {
    const auto& child = value.children[i];
    if (child.kind != Value::Kind::kString) {
      refuse(child, item(key, i), "is no text");
      continue;
    }
    const auto parsed = PublicKey::parse(child.text);
    if (!parsed) {
      refuse(child, item(key, i), parsed.status().text());
    } else if (std::ranges::find(out, *parsed) == out.end()) {
      out.push_back(*parsed);
    }
  }
}

void PrincipalsReader::read_ceiling(const Value& value, const std::string& key, Principal& out) {
  if (!is_array(value, key, R"(rights, as in ["read", "write", "call"])")) return;
  RightSet rights;
  for (std::size_t i = 0; i < value.children.size(); ++i) {
    const auto& child = value.children[i];
    const auto* name = text(child, item(key, i));
    if (name == nullptr) continue;
    if (*name == "read") {
      rights.add(Right::kRead);
    } else if (*name == "write") {
      rights.add(Right::kWrite);
    } else if (*name == "call") {
      rights.add(Right::kCall);
    } else {
      refuse(
          child, item(key, i),
          in_quotes(*name) + (*name == "admin" ? " is never given to a node: whoever administers "
                                                 "must be connected itself; remove it"
                                               : " is no right; write read, write or call"));
    }
  }
  out.rights = Rights::all(rights);
}

void PrincipalsReader::read_may(const Value& value, const std::string& key, Rights& out) {
  if (!is_array(value, key, "tables, " + std::string{kGrants})) return;
  if (value.children.size() > limits::kGrantsMax) {
    return refuse(value, key,
                  "has " + std::to_string(value.children.size()) + " entries, more than " +
                      std::to_string(limits::kGrantsMax) +
                      "; give names of buckets beginnings that few entries cover");
  }
  for (std::size_t i = 0; i < value.children.size(); ++i) {
    read_grant(value.children[i], item(key, i), out);
  }
}

void PrincipalsReader::read_grant(const Value& value, const std::string& key, Rights& out) {
  const std::string what = "write " + std::string{kGrants};
  if (!value.is_table()) return refuse(value, key, "is no table; " + what);
  const auto* on = value.find("on");
  const auto* rights = value.find("rights");
  const auto* call = value.find("call");
  if (on != nullptr && rights != nullptr && value.children.size() == 2) {
    return read_rights(*on, *rights, key, out);
  }
  if (call == nullptr || value.children.size() != 1) {
    return refuse(value, key, "is no entry of that form; " + what);
  }
  const auto* pattern = text(*call, key + ".call");
  if (pattern == nullptr) return;
  if (pattern->empty() || pattern->find('*') < pattern->size() - 1) {
    return refuse(*call, key + ".call",
                  in_quotes(*pattern) + R"( is no function; write "hello.add", "hello.*" or "*")");
  }
  out.grant_call(*pattern);
}

void PrincipalsReader::read_rights(const Value& on, const Value& rights, const std::string& key,
                                   Rights& out) {
  const auto* prefix = text(on, key + ".on");
  const auto* letters = text(rights, key + ".rights");
  if (prefix == nullptr || letters == nullptr) return;
  if (prefix->empty() || prefix->size() > limits::kBucketNameBytesMax) {
    return refuse(on, key + ".on",
                  in_quotes(*prefix) +
                      " is no beginning of a bucket's name; write \"*\" for all "
                      "buckets, or what their names begin with");
  }
  RightSet granted;
  for (const char letter : *letters) {
    if (letter == 'r') {
      granted.add(Right::kRead);
    } else if (letter == 'w') {
      granted.add(Right::kWrite);
    } else if (letter == 'a' && *prefix == kAll) {
      out.grant_admin();
    } else {
      return refuse(rights, key + ".rights",
                    letter == 'a' ? "grants a, which concerns nodes and not buckets; write it with "
                                    "on = \"*\" only"
                                  : in_quotes(*letters) +
                                        " is not made of r (read), w (write) and a (administer)");
    }
  }
  if (letters->empty())
    return refuse(rights, key + ".rights", "grants nothing; write \"r\" or \"rw\"");
  if (!granted.empty()) out.grant(*prefix == kAll ? std::string{} : *prefix, granted);
}

void PrincipalsReader::read_tokens(const Value& value, const std::string& key, Principal& out) {
  if (!is_array(value, key, "digests of tokens")) return;
  for (std::size_t i = 0; i < value.children.size(); ++i) {
    const auto& child = value.children[i];
    if (child.kind != Value::Kind::kString) {
      refuse(child, item(key, i), "is no text");
      continue;
    }
    const auto digest = parse_token_digest(child.text);
    if (digest) {
      out.tokens.push_back(*digest);
    } else {
      refuse(child, item(key, i), digest.status().text());
    }
  }
}

void PrincipalsReader::read_certificates(const Value& value, const std::string& key,
                                         Principal& out) {
  if (!is_array(value, key, R"(pins, as in ["sha256:..."])")) return;
  for (std::size_t i = 0; i < value.children.size(); ++i) {
    const auto& child = value.children[i];
    const auto* pin = text(child, item(key, i));
    if (pin == nullptr) continue;
    CertificatePin bytes{};
    std::size_t size = 0;
    const char* end = nullptr;
    const bool is_one = pin->starts_with(kPin) &&
                        sodium_hex2bin(bytes.data(), bytes.size(), pin->data() + kPin.size(),
                                       pin->size() - kPin.size(), nullptr, &size, &end) == 0 &&
                        size == bytes.size() && end == pin->data() + pin->size();
    if (is_one) {
      out.certificates.push_back(bytes);
    } else {
      refuse(child, item(key, i),
             in_quotes(*pin) +
                 " is no pin; write sha256: and 64 hexadecimal digits, the SHA-256 of "
                 "the certificate's public key (SubjectPublicKeyInfo)");
    }
  }
}

void PrincipalsReader::index() {
  for (const auto& [name, principal] : out_->all_) {
    for (const auto& key : principal.keys) index_key(principal, key);
    for (const auto& pin : principal.certificates) {
      const auto [at, is_new] = out_->by_certificate_.emplace(pin, &principal);
      if (is_new || at->second == &principal) continue;
      faults_.add({config::Place::Origin::kFile, path_, 0}, config::join_key("user", name),
                  "has a certificate of " + at->second->name + "; each user has its own");
    }
  }
}

void PrincipalsReader::index_key(const Principal& principal, const PublicKey& key) {
  const auto name = config::join_key(principal.is_node ? "node" : "user", principal.name);
  const config::Place place{config::Place::Origin::kFile, path_, 0};
  if (out_->is_revoked(key)) {
    warnings_.add(place, name,
                  "has the key " + key.fingerprint() +
                      "..., which is revoked, so it is of no use; "
                      "remove it here");
    return;
  }
  const auto [at, is_new] = out_->by_key_.emplace(key, &principal);
  if (is_new || at->second == &principal) return;
  faults_.add(place, name,
              "has the key " + key.fingerprint() + "..., which " + at->second->name +
                  " has too; each has a key of its own: make one with kvmesh keygen");
}

const std::string* PrincipalsReader::text(const Value& value, const std::string& key) {
  if (value.kind == Value::Kind::kString) return &value.text;
  refuse(value, key, "is " + config::describe(value) + "; write a text in quotes");
  return nullptr;
}

bool PrincipalsReader::is_array(const Value& value, const std::string& key, std::string_view of) {
  if (value.kind == Value::Kind::kArray) return true;
  refuse(value, key, "is no array; write an array of " + std::string{of});
  return false;
}

bool PrincipalsReader::is_table(const Value& value, const std::string& key,
                                std::string_view example) {
  if (value.is_table()) return true;
  refuse(value, key, "is no table; write " + std::string{example});
  return false;
}

void PrincipalsReader::refuse_unknown(const Value& value, const std::string& key,
                                      std::span<const std::string_view> known) {
  if (value.key == "revoked") {
    return refuse(value, key, "stands below a [table]; write revoked at the top of the file");
  }
  std::vector<std::string> names;
  for (const auto name : known) names.emplace_back(name);
  refuse(value, key, "is unknown; what may stand here is " + joined(names, ", "));
}

}  // namespace kvmesh::security
