#include "common/security/principals.h"

#include <algorithm>
#include <cctype>

#include <kvmesh/limits.h>

#include "common/security/principals_reader.h"
#include "common/security/private_file.h"
#include "common/text.h"

namespace kvmesh::security {

Status check_user_name(std::string_view name) {
  constexpr auto kIsLetter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  const auto fits = [&](char c) {
    return kIsLetter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  };
  if (name == kAnonymousName) {
    return {
        StatusCode::kInvalidArgument,
        "\"anonymous\" is the name of those who have none; write [anonymous] for what they may"};
  }
  if (!name.empty() && name.size() <= limits::kUserNameBytesMax && kIsLetter(name.front()) &&
      std::ranges::all_of(name, fits)) {
    return {};
  }
  return {StatusCode::kInvalidArgument,
          in_quotes(name) + " is no name of a user; it begins with a letter and has at most " +
              std::to_string(limits::kUserNameBytesMax) + " letters, digits, _, - and ."};
}

Result<std::shared_ptr<const Principals>> Principals::load(const std::string& path) {
  std::string text;
  if (auto status = read_trusted_file(path, text); !status.ok()) {
    return Status{
        StatusCode::kInvalidArgument,
        path + ": " + status.text() +
            "; it names nodes and users (config/SECURITY.md), so nobody else may change it"};
  }
  config::Faults warnings;
  return parse(text, path, warnings);
}

Result<std::shared_ptr<const Principals>> Principals::parse(std::string_view text,
                                                            const std::string& path,
                                                            config::Faults& warnings) {
  config::Faults faults;
  auto out = PrincipalsReader{faults, warnings}.read(text, path);
  if (!faults.empty()) {
    return Status{StatusCode::kInvalidArgument, joined(faults.lines(), "\n")};
  }
  return out;
}

const Principal* Principals::by_key(const PublicKey& key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : found->second;
}

const Principal* Principals::by_certificate(const CertificatePin& pin) const {
  const auto found = by_certificate_.find(pin);
  return found == by_certificate_.end() ? nullptr : found->second;
}

const Principal* Principals::find(std::string_view name) const {
  const auto found = all_.find(name);
  return found == all_.end() ? nullptr : &found->second;
}

bool Principals::is_revoked(const PublicKey& key) const {
  return std::ranges::binary_search(revoked_, key);
}

}  // namespace kvmesh::security
