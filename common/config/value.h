#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The inside of load_settings(): nothing here is for other parts of kvmesh.
namespace kvmesh::config {

/// Where a value stands, so that a fault in it can be found.
struct Place {
  enum class Origin { kDefault, kFile, kEnvironment, kAssignment };
  Origin origin = Origin::kDefault;
  std::string source;      // a path, a variable's name, or empty
  std::uint32_t line = 0;  // 0: the source has no lines

  /// "foo.toml:7", "environment KVMESH_THREADS" or "--set".
  std::string to_string() const;
};

/// A value of any layer, before anybody knows whether it makes sense, with its place.
struct Value {
  enum class Kind { kString, kInteger, kFloat, kBoolean, kArray, kTable, kOther };
  Kind kind = Kind::kTable;
  std::string key;  // its name in the table that holds it; empty elsewhere
  Place place;
  std::string text;             // kString
  std::int64_t integer = 0;     // kInteger; 0 or 1 for kBoolean
  std::vector<Value> children;  // kArray, kTable: in the order in which they were written

  bool is_table() const { return kind == Kind::kTable; }
  /// The member of a table with this key; null when there is none.
  const Value* find(std::string_view member) const;
};

/// For faults: "the string \"four\"", "the integer 4", "an array".
std::string describe(const Value& value);

/// The key of a member as a person would write it: `mesh.listen`, `mesh.peers."bar@localhost"`.
std::string join_key(std::string_view table, std::string_view member);

/// Lays `over` on `base`: tables are merged member by member, everything else is replaced whole,
/// with its place.
void merge(Value& base, Value over);

}  // namespace kvmesh::config
