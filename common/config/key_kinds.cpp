#include "common/config/key_kinds.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "common/config/size_text.h"
#include "common/text.h"

namespace kvmesh::config {

void refuse(const KeySpec& spec, const Value& value, Draft& draft, Faults& faults,
            std::string_view text) {
  draft.faulty.insert(spec.key);
  faults.add(value.place, spec.key, text);
}

void refuse_type(const KeySpec& spec, const Value& value, Draft& draft, Faults& faults,
                 std::string_view example) {
  refuse(spec, value, draft, faults,
         "is " + describe(value) + ", expected " + spec.type + "; write for example " +
             std::string{example});
}

namespace {

std::string range_text(std::int64_t min, std::int64_t max) {
  return std::to_string(min) + " to " + std::to_string(max);
}

// An example of a key's value, as a line of its file.
std::string default_line(const KeySpec& spec) {
  return spec.key.substr(spec.key.rfind('.') + 1) + " = " + spec.show(Settings{});
}

}  // namespace

KeySpec integer_key(KeySpec spec, std::int64_t min, std::int64_t max, const IntegerAccess& access,
                    std::int64_t multiple_of) {
  spec.type = "an integer";
  spec.range = range_text(min, max);
  if (multiple_of > 1) spec.range += ", a multiple of " + std::to_string(multiple_of);
  spec.show = [access](const Settings& settings) { return std::to_string(access.get(settings)); };
  return with_store(
      std::move(spec), [min, max, access, multiple_of](const KeySpec& self, const Value& value,
                                                       Draft& draft, Faults& faults) {
        if (value.kind != Value::Kind::kInteger) {
          refuse_type(self, value, draft, faults, default_line(self));
        } else if (value.integer < min || value.integer > max || value.integer % multiple_of != 0) {
          refuse(self, value, draft, faults,
                 std::to_string(value.integer) + " is out of range; write " + self.range +
                     (self.unit.empty() ? "" : " (" + self.unit + ")"));
        } else {
          access.set(draft.settings, value.integer);
        }
      });
}

KeySpec count_key(KeySpec spec, std::int64_t min, std::int64_t max,
                  std::size_t& (*member)(Settings&), std::int64_t multiple_of) {
  return integer_key(std::move(spec), min, max,
                     {[member](Settings& settings, std::int64_t value) {
                        member(settings) = static_cast<std::size_t>(value);
                      },
                      [member](const Settings& settings) {
                        Settings copy = settings;
                        return static_cast<std::int64_t>(member(copy));
                      }},
                     multiple_of);
}

KeySpec size_key(KeySpec spec, std::int64_t min, std::int64_t max,
                 std::size_t& (*member)(Settings&), std::int64_t multiple_of) {
  spec.type = "an integer or a string with a unit";
  spec.unit = "bytes";
  spec.meaning += " Bytes, or a text with B, KiB, MiB, GiB or TiB.";
  spec.range = size_text(min) + " to " + size_text(max);
  if (multiple_of > 1) spec.range += ", a multiple of " + size_text(multiple_of);
  spec.show = [member](const Settings& settings) {
    Settings copy = settings;
    return in_quotes(size_text(static_cast<std::int64_t>(member(copy))));
  };
  return with_store(
      std::move(spec), [min, max, member, multiple_of](const KeySpec& self, const Value& value,
                                                       Draft& draft, Faults& faults) {
        const bool is_text = value.kind == Value::Kind::kString;
        if (!is_text && value.kind != Value::Kind::kInteger) {
          return refuse_type(self, value, draft, faults, default_line(self));
        }
        const auto bytes = is_text ? parse_size(value.text) : std::optional{value.integer};
        if (!bytes) {
          refuse(self, value, draft, faults,
                 in_quotes(value.text) +
                     " is not a size; write bytes, or a whole number with B, KiB, MiB, GiB or TiB");
        } else if (*bytes < min || *bytes > max || *bytes % multiple_of != 0) {
          refuse(self, value, draft, faults,
                 (is_text ? in_quotes(value.text) : std::to_string(*bytes)) +
                     " is out of range; write " + self.range);
        } else {
          member(draft.settings) = static_cast<std::size_t>(*bytes);
        }
      });
}

KeySpec milliseconds_key(KeySpec spec, std::int64_t min, std::int64_t max,
                         std::chrono::milliseconds& (*member)(Settings&)) {
  spec.unit = "milliseconds";
  return integer_key(std::move(spec), min, max,
                     {[member](Settings& settings, std::int64_t value) {
                        member(settings) = std::chrono::milliseconds{value};
                      },
                      [member](const Settings& settings) -> std::int64_t {
                        Settings copy = settings;
                        return member(copy).count();
                      }});
}

KeySpec string_key(KeySpec spec, std::string_view example, StringAccess access) {
  spec.type = "a string";
  spec.show = [access](const Settings& settings) { return in_quotes(access.get(settings), 1024); };
  return with_store(std::move(spec), [example, access](const KeySpec& self, const Value& value,
                                                       Draft& draft, Faults& faults) {
    if (value.kind != Value::Kind::kString) return refuse_type(self, value, draft, faults, example);
    const Status status = access.set(draft.settings, value.text);
    if (!status.ok()) refuse(self, value, draft, faults, status.text());
  });
}

std::string path_from(const std::string& path, const Place& place) {
  if (place.origin != Place::Origin::kFile) return path;
  // Joining keeps an absolute path as it is.
  return (std::filesystem::path{place.source}.parent_path() / path).string();
}

KeySpec path_key(KeySpec spec, std::string_view example, std::string_view noun,
                 std::string& (*member)(Settings&)) {
  spec.type = "a string";
  spec.range = "a path";
  spec.optional = true;
  spec.show = [member](const Settings& settings) {
    Settings copy = settings;
    const auto& path = member(copy);
    return path.empty() ? "not set" : in_quotes(path, 1024);
  };
  return with_store(
      std::move(spec), [example, noun, member](const KeySpec& self, const Value& value,
                                               Draft& draft, Faults& faults) {
        if (value.kind != Value::Kind::kString)
          return refuse_type(self, value, draft, faults, example);
        auto& path = member(draft.settings);
        path = value.text;
        if (value.text.empty()) {
          refuse(self, value, draft, faults,
                 "is empty; name a " + std::string{noun} + ", or leave the key out");
        } else if (value.text.find('\0') != std::string::npos) {
          refuse(self, value, draft, faults,
                 in_quotes(value.text) + " holds a zero byte; name a " + std::string{noun});
        } else {
          path = path_from(value.text, value.place);
        }
      });
}

KeySpec plain(std::string key, std::string unit, std::string meaning) {
  return {.key = std::move(key),
          .type = {},
          .unit = std::move(unit),
          .range = {},
          .meaning = std::move(meaning),
          .required = false,
          .store = {},
          .show = {}};
}

namespace {

std::string array_text(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const auto& text : texts) out += (out.size() > 1 ? ", " : "") + in_quotes(text, 1024);
  return out + "]";
}

}  // namespace

KeySpec strings_key(KeySpec spec, std::string_view example, std::size_t count_max,
                    const StringsAccess& access) {
  spec.type = "an array of strings";
  spec.show = [access](const Settings& settings) { return array_text(access.get(settings)); };
  return with_store(
      std::move(spec), [example, count_max, access](const KeySpec& self, const Value& value,
                                                    Draft& draft, Faults& faults) {
        if (value.kind != Value::Kind::kArray)
          return refuse_type(self, value, draft, faults, example);
        if (value.children.size() > count_max) {
          return refuse(self, value, draft, faults,
                        "holds " + std::to_string(value.children.size()) +
                            " elements, which is over the limit of " + std::to_string(count_max) +
                            "; name fewer");
        }
        std::vector<std::string> texts;
        for (const Value& element : value.children) {
          if (element.kind != Value::Kind::kString) {
            refuse(self, element, draft, faults,
                   "holds " + describe(element) + ", expected strings; write for example " +
                       std::string{example});
          } else if (const Status status = access.check(element.text); !status.ok()) {
            refuse(self, element, draft, faults, status.text());
          } else if (std::ranges::find(texts, element.text) != texts.end()) {
            refuse(self, element, draft, faults,
                   "holds " + in_quotes(element.text) + " a second time; keep one of the two");
          } else {
            texts.push_back(element.text);
          }
        }
        if (draft.sound(self.key)) access.set(draft.settings, std::move(texts));
      });
}

}  // namespace kvmesh::config
