#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/text.h"

namespace kvmesh::command {

/// Takes a JSON object apart. The first member that is missing or of another type is told by its
/// name; it and all that follow leave what they are read into as it was.
class Members {
 public:
  using Json = nlohmann::ordered_json;

  /// `object` must outlive this.
  explicit Members(const Json& object) : object_(object) {}

  template <typename T>
  void take(const char* name, T& out) {
    const auto* found = find(name);
    if (found == nullptr) return;
    try {
      found->get_to(out);
    } catch (const Json::exception&) {
      refuse(name, "is of another type");
    }
  }
  /// A member that need not be there.
  template <typename T>
  void take_optional(const char* name, std::optional<T>& out) {
    if (object_.is_object() && object_.contains(name)) take(name, out.emplace());
  }
  /// A list of objects, each read by `read(members, item)`.
  template <typename Item, typename Read>
  void take_list(const char* name, std::vector<Item>& out, Read read) {
    const auto* found = find(name);
    if (found == nullptr) return;
    if (!found->is_array()) return refuse(name, "is no list");
    for (const auto& one : *found) {
      Members members{one};
      read(members, out.emplace_back());
      if (fault_.empty()) fault_ = members.fault_;
    }
  }
  /// Empty: all was as it should be.
  const std::string& fault() const { return fault_; }

 private:
  const Json* find(const char* name) {
    if (object_.is_object() && object_.contains(name)) return &object_.at(name);
    refuse(name, "is missing");
    return nullptr;
  }
  void refuse(const char* name, const char* why) {
    if (fault_.empty()) fault_ = in_quotes(name) + " " + why;
  }

  const Json& object_;
  std::string fault_;
};

}  // namespace kvmesh::command
