#include "node/sim/judge.h"

#include <cstdint>
#include <optional>

#include "common/text.h"
#include "common/wire/reader.h"

namespace kvmesh::sim {
namespace {

using wire::Reader;

std::optional<std::uint64_t> uint_or_nil(Reader& in) {
  if (in.peek() != Reader::Type::kNil) return in.read_uint();
  in.read_nil();
  return std::nullopt;
}

std::string is_no_answer(std::string_view result) {
  return "answers " + in_quotes(result) + ", which is no answer to it";
}

class Judge {
 public:
  Judge(const Request& request, const Shadow::Answer& must, ToldRevisions& told)
      : bucket_(request.bucket), must_(must), told_(told) {}

  // [rev, [nil or [rev, value, ttl_ms or nil] ...]]
  std::string read(std::string_view result) {
    Reader in{result};
    if (in.read_array() != 2) return is_no_answer(result);
    note(last_change(in.read_uint()));
    if (in.read_array() != must_.keys.size()) return is_no_answer(result);
    for (const auto& key : must_.keys) {
      if (in.peek() == Reader::Type::kNil) {
        in.read_nil();
        if (key.changed != 0) note("does not see " + in_quotes(key.value));
        continue;
      }
      if (in.read_array() != 3) return is_no_answer(result);
      const auto rev = in.read_uint();
      const auto value = std::string{in.read_bytes()};
      const auto ttl_ms = uint_or_nil(in);
      if (in.failed()) return is_no_answer(result);
      compare(key, rev, value, ttl_ms);
    }
    return wrong_;
  }

  // [more, rev, [[key, rev, ttl_ms or nil, value] ...]]
  std::string scan(std::string_view result) {
    Reader in{result};
    if (in.read_array() != 3) return is_no_answer(result);
    if (in.read_bool() != must_.page.more) note("is wrong about whether there are more");
    note(last_change(in.read_uint()));
    if (in.read_array() != must_.keys.size()) return is_no_answer(result);
    for (std::size_t i = 0; i < must_.keys.size(); ++i) {
      if (in.read_array() != 4) return is_no_answer(result);
      const auto key = std::string{in.read_bytes()};
      const auto rev = in.read_uint();
      const auto ttl_ms = uint_or_nil(in);
      const auto value = std::string{in.read_bytes()};
      if (in.failed()) return is_no_answer(result);
      const auto place = key_text(must_.page.keys[i]);
      if (key != place) note("shows " + in_quotes(key) + " in the place of " + in_quotes(place));
      compare(must_.keys[i], rev, value, ttl_ms);
    }
    return wrong_;
  }

  // [true, rev, [bool or number ...]] or [false, rev, index, rev]
  std::string apply(std::string_view result) {
    Reader in{result};
    const auto parts = in.read_array();
    const bool is_done = in.read_bool();
    const auto rev = in.read_uint();
    if (in.failed() || parts != (is_done ? 3U : 4U)) return is_no_answer(result);
    if (is_done != !must_.failed) {
      return is_done ? "is done though its check " + std::to_string(*must_.failed) + " fails"
                     : "is not done though its checks hold";
    }
    note(last_change(rev));
    if (!is_done) {
      if (in.read_uint() != *must_.failed) note("names another check than the first that fails");
      const auto other = in.read_uint();
      if (must_.failed_changed != 0) {
        note(told_.change(bucket_, must_.failed_changed, other));
      } else if (other != 0) {
        note("tells a revision of a key that is not there");
      }
      return wrong_;
    }
    if (in.read_array() != must_.each.size()) return is_no_answer(result);
    for (const auto& each : must_.each) {
      if (each.number) {
        if (const auto sum = in.read_int(); sum != *each.number) {
          note("adds up to " + std::to_string(sum) + " for " + std::to_string(*each.number));
        }
      } else if (in.read_bool() != each.was_there) {
        note("is wrong about a key that was there, or was not");
      }
    }
    return in.failed() ? is_no_answer(result) : wrong_;
  }

 private:
  void compare(const Shadow::Seen& key, store::Revision rev, const std::string& value,
               std::optional<std::uint64_t> ttl_ms) {
    if (key.changed == 0) return note("sees " + in_quotes(value) + " of a key that is not there");
    if (value != key.value) note("sees " + in_quotes(value) + " for " + in_quotes(key.value));
    if (ttl_ms != key.ttl_ms) {
      note("says that " + in_quotes(value) + " has " + time(ttl_ms) + " to live, and it has " +
           time(key.ttl_ms));
    }
    note(told_.change(bucket_, key.changed, rev));
  }
  static std::string time(std::optional<std::uint64_t> ms) {
    return ms ? std::to_string(*ms) + " ms" : "no end";
  }
  std::string last_change(store::Revision rev) {
    return must_.may_be_later ? told_.seen(bucket_, must_.seen_at, rev)
                              : told_.change(bucket_, must_.changed, rev);
  }
  void note(const std::string& wrong) {
    if (wrong_.empty()) wrong_ = wrong;
  }

  std::uint32_t bucket_;
  const Shadow::Answer& must_;
  ToldRevisions& told_;
  std::string wrong_;
};

}  // namespace

std::string judge(const Request& request, const Shadow::Answer& must, StatusCode code,
                  std::string_view result, ToldRevisions& told) {
  const auto says = [&](StatusCode of, std::string_view what) {
    return std::string{to_string(of)} + " " + in_quotes(what);
  };
  if (code != must.code) {
    return "is answered " + says(code, result) + ", and must be " + says(must.code, must.result);
  }
  if (code != StatusCode::kOk) return {};
  if (request.operation == Operation::kRead) return Judge{request, must, told}.read(result);
  if (request.operation == Operation::kScan) return Judge{request, must, told}.scan(result);
  if (request.operation == Operation::kApply) return Judge{request, must, told}.apply(result);
  if (result == must.result) return {};
  if (must.count_most) {
    Reader least{must.result};
    Reader in{result};
    const auto count = in.read_uint();
    if (!in.failed() && count >= least.read_uint() && count <= *must.count_most) return {};
  }
  return "is answered " + says(code, result) + ", and must be " + says(must.code, must.result);
}

}  // namespace kvmesh::sim
