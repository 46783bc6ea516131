#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/config/faults.h"
#include "common/config/value.h"
#include "common/security/principals.h"

namespace kvmesh::security {

/// The inside of Principals::parse(): makes them of a text, and finds every fault in it. Faults
/// never show what stands where a secret may stand.
class PrincipalsReader {
 public:
  PrincipalsReader(config::Faults& faults, config::Faults& warnings)
      : faults_(faults), warnings_(warnings) {}

  /// Of use only when no fault was added.
  std::shared_ptr<const Principals> read(std::string_view text, const std::string& path);

 private:
  using Value = config::Value;
  enum class Kind { kNode, kUser, kAnonymous };

  void read_all(const Value& table, Kind kind);
  void read_one(const Value& table, Kind kind, const std::string& key, Principal& out);
  void read_node_key(const Value& value, const std::string& key, Principal& out);
  void read_user_key(const Value& value, const std::string& key, Principal& out);
  void read_keys(const Value& value, const std::string& key, std::vector<PublicKey>& out);
  void read_ceiling(const Value& value, const std::string& key, Principal& out);
  void read_may(const Value& value, const std::string& key, Rights& out);
  void read_grant(const Value& value, const std::string& key, Rights& out);
  void read_rights(const Value& on, const Value& rights, const std::string& key, Rights& out);
  void read_tokens(const Value& value, const std::string& key, Principal& out);
  void read_certificates(const Value& value, const std::string& key, Principal& out);
  void index();
  void index_key(const Principal& principal, const PublicKey& key);

  const std::string* text(const Value& value, const std::string& key);
  bool is_array(const Value& value, const std::string& key, std::string_view of);
  bool is_table(const Value& value, const std::string& key, std::string_view example);
  void refuse(const Value& value, const std::string& key, const std::string& why) {
    faults_.add(value.place, key, why);
  }
  void refuse_unknown(const Value& value, const std::string& key,
                      std::span<const std::string_view> known);

  config::Faults& faults_;
  config::Faults& warnings_;
  std::shared_ptr<Principals> out_;
  std::string path_;
};

}  // namespace kvmesh::security
