#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <kvmesh/status.h>

#include "common/config/schema.h"

/// The kinds of keys that the schema is made of. Each takes a KeySpec with the key's own words and
/// completes it.
namespace kvmesh::config {

/// A fault in the key's value.
void refuse(const KeySpec& spec, const Value& value, Draft& draft, Faults& faults,
            std::string_view text);
void refuse_type(const KeySpec& spec, const Value& value, Draft& draft, Faults& faults,
                 std::string_view example);

/// `store` and `show` are called with the finished specification, so that they can speak of it.
template <typename Store>
KeySpec with_store(KeySpec spec, Store store) {
  spec.store = [copy = spec, store](const Value& value, Draft& draft, Faults& faults) {
    store(copy, value, draft, faults);
  };
  return spec;
}

/// Where `path` leads to, when it was written at `place`: in a file it begins at that one's folder.
std::string path_from(const std::string& path, const Place& place);

/// A key of which key, unit and meaning are known.
KeySpec plain(std::string key, std::string unit, std::string meaning);

struct IntegerAccess {
  std::function<void(Settings&, std::int64_t)> set;
  std::function<std::int64_t(const Settings&)> get;
};
/// `multiple_of`: what the value must be a multiple of.
KeySpec integer_key(KeySpec spec, std::int64_t min, std::int64_t max, const IntegerAccess& access,
                    std::int64_t multiple_of = 1);

/// `member` gives the number that the key sets.
KeySpec count_key(KeySpec spec, std::int64_t min, std::int64_t max,
                  std::size_t& (*member)(Settings&), std::int64_t multiple_of = 1);

/// A number of bytes, or a text with a unit: "512MiB". Says so at the end of the key's meaning, and
/// sets its unit. `member` gives the number that the key sets.
KeySpec size_key(KeySpec spec, std::int64_t min, std::int64_t max,
                 std::size_t& (*member)(Settings&), std::int64_t multiple_of = 1);

/// `member` gives the duration that the key sets.
KeySpec milliseconds_key(KeySpec spec, std::int64_t min, std::int64_t max,
                         std::chrono::milliseconds& (*member)(Settings&));

struct StringAccess {
  Status (*set)(Settings&, const std::string&);  // refuses with what is wrong; what to do
  std::string (*get)(const Settings&);
};
KeySpec string_key(KeySpec spec, std::string_view example, StringAccess access);

/// A path, which may be left out. A relative one of a file starts at that file's folder. `noun`:
/// what is to be there, "file" or "folder". `member` gives the text that the key sets.
KeySpec path_key(KeySpec spec, std::string_view example, std::string_view noun,
                 std::string& (*member)(Settings&));

struct StringsAccess {
  /// Refuses one text with what is wrong; what to do.
  std::function<Status(const std::string&)> check;
  std::function<void(Settings&, std::vector<std::string>)> set;
  std::function<std::vector<std::string>(const Settings&)> get;
};
/// An array of at most `count_max` different strings.
KeySpec strings_key(KeySpec spec, std::string_view example, std::size_t count_max,
                    const StringsAccess& access);

}  // namespace kvmesh::config
