#include "common/config/scan.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/schema.h"
#include "common/text.h"

namespace kvmesh::config {
namespace {

const KeySpec* find_spec(std::string_view key) {
  const auto& keys = schema();
  const auto found = std::ranges::find(keys, key, &KeySpec::key);
  return found == keys.end() ? nullptr : &*found;
}

bool is_section(std::string_view key) {
  const std::string prefix = std::string{key} + ".";
  return std::ranges::any_of(schema(),
                             [&](const KeySpec& spec) { return spec.key.starts_with(prefix); });
}

// Keys and the sections that hold them: whatever a misspelt key may have been meant to be.
std::vector<std::string> known_keys() {
  std::vector<std::string> out;
  for (const KeySpec& spec : schema()) {
    out.push_back(spec.key);
    const auto dot = spec.key.find('.');
    if (dot != std::string::npos) out.push_back(spec.key.substr(0, dot));
  }
  return out;
}

std::string_view last_part(std::string_view key) { return key.substr(key.rfind('.') + 1); }

// The known key that is closest to `key`; failing that, one that goes on where it ends or has the
// same last part.
std::string nearest_key(std::string_view key) {
  constexpr std::size_t kLongestKey = 64;  // longer ones are no misspelling
  if (key.empty() || key.size() > kLongestKey) return {};
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, key.size() / 5) + 1;
  for (const std::string& known : known_keys()) {
    const auto distance = edit_distance(key, known);
    if (distance < best_distance && distance < key.size()) {
      best = known;
      best_distance = distance;
    }
  }
  if (!best.empty()) return best;
  const std::string longer = std::string{key} + "_";
  const std::string with_unit = std::string{last_part(key)} + "_ms";
  for (const KeySpec& spec : schema()) {
    const auto part = last_part(spec.key);
    if (spec.key.starts_with(longer) || part == last_part(key) || part == with_unit)
      return spec.key;
  }
  return {};
}

std::string variable_name(std::string_view key) {
  std::string out = "KVMESH_";
  for (const char c : key) {
    if (c == '.') {
      out += "__";
    } else {
      out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  return out;
}

void add_unknown(const Value& value, const std::string& key, Faults& faults) {
  // A variable or assignment has just one value in it: name that, and not the table around it.
  if (value.place.origin != Place::Origin::kFile && value.is_table() &&
      value.children.size() == 1) {
    return add_unknown(value.children.front(), join_key(key, value.children.front().key), faults);
  }
  const std::string meant = nearest_key(key);
  std::string advice = "see config/README.md for all of them";
  if (!meant.empty()) {
    advice = "did you mean " + meant;
    if (value.place.origin == Place::Origin::kEnvironment)
      advice += " (" + variable_name(meant) + ")";
    advice += "?";
  }
  faults.add(value.place, key, "is not a known key; " + advice);
}

void scan_table(const Value& table, const std::string& prefix, Draft& draft, Faults& faults) {
  for (const Value& member : table.children) {
    const std::string key = join_key(prefix, member.key);
    if (const KeySpec* spec = find_spec(key)) {
      draft.places.emplace(key, member.place);
      spec->store(member, draft, faults);
    } else if (!is_section(key)) {
      add_unknown(member, key, faults);
    } else if (member.is_table()) {
      scan_table(member, key, draft, faults);
    } else {
      faults.add(member.place, key,
                 "is " + describe(member) + ", expected a table; write [" + key + "]");
    }
  }
}

}  // namespace

void scan(const Value& merged, Draft& draft, Faults& faults) {
  scan_table(merged, "", draft, faults);
}

}  // namespace kvmesh::config
