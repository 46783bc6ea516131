#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>

#include "tests/fuzz/line_words_reference.h"

/// The line protocol from SET to ABORT, as plainly as it can be written.
namespace kvmesh::fuzz {

/// Stands for a revision, in the replies that have some.
inline constexpr char kRevision = '\x02';

/// What a request must be answered: this text, or (an error) a line that begins with it.
struct Expected {
  std::string text;
  bool is_prefix = false;
  bool has_revisions = false;
};

/// Of the same node as LineReference, whose clock stands still and which follows no bucket.
class LineDataReference {
 public:
  struct Entry {
    std::string value;
    std::optional<std::uint64_t> ttl;
  };
  using Keys = std::map<std::string, Entry>;
  using Buckets = std::map<std::string, Keys>;

  explicit LineDataReference(Buckets& buckets) : buckets_(buckets) {}

  static Expected error(const std::string& code) { return {"ERROR " + code + " ", true}; }

  static bool has(const std::string& word) {
    return kinds().contains(word) || word == "BEGIN" || word == "CHECK" || word == "COMMIT" ||
           word == "ABORT";
  }

  /// A line outside of these was refused.
  void fail(const std::string& code) {
    if (is_open_ && failed_.empty()) failed_ = code;
  }
  bool is_unknown() const { return is_unknown_; }
  /// Between BEGIN and COMMIT.
  bool is_open() const { return is_open_; }

  Expected answer(std::string_view line) {
    auto reply = try_answer(std::string{line});
    const auto& text = reply.text;
    if (text == kUnknown) fail("invalid_argument");
    if (reply.is_prefix && text != "ERROR overloaded ") fail(text.substr(6, text.size() - 7));
    // The faults of the node's own functions are no faults of the lines.
    if (std::exchange(is_executed_, false) && is_open_) failed_ = failed_before_;
    return reply;
  }

 private:
  struct Form {
    std::size_t fixed;  // words after the bucket
    std::set<std::string> options;
  };

  static const std::map<std::string, Form>& kinds() {
    static const std::map<std::string, Form> kKinds = {{"SET", {2, {"IF", "TTL", "ONCE"}}},
                                                       {"UNSET", {1, {"IF", "ONCE"}}},
                                                       {"READ", {1, {}}},
                                                       {"ADD", {2, {"TTL", "ONCE"}}},
                                                       {"TOUCH", {2, {}}},
                                                       {"SCAN", {0, {"PREFIX", "AFTER", "LIMIT"}}},
                                                       {"CHANGES", {1, {"PREFIX", "WAIT"}}}};
    return kKinds;
  }
  static bool is_change(const std::string& word) {
    return word == "SET" || word == "UNSET" || word == "ADD" || word == "TOUCH";
  }

  static constexpr std::uint64_t kTtlMax = 3155760000000;
  static constexpr const char* kUnknown = "UNKNOWN COMMAND\r\n";
  static constexpr const char* kWrong = "invalid_argument";

  struct Change {
    std::string word, key, value;
    std::int64_t delta = 0;
    std::optional<std::uint64_t> ttl;
  };
  using Checks = std::vector<std::pair<std::string, std::uint64_t>>;

  Expected try_answer(const std::string& line) {
    const auto words = quoted_words_of(line);
    if (!words) return error(kWrong);
    const auto& word = (*words)[0];
    const auto count = words->size();
    if (word == "BEGIN") return count == 2 ? begin((*words)[1]) : Expected{kUnknown};
    if (word == "CHECK") return count == 3 ? check_line(*words) : Expected{kUnknown};
    if (word == "ABORT") return count == 1 ? abort() : Expected{kUnknown};
    const bool inside = is_open_ && is_change(word);
    const bool is_commit = word == "COMMIT";
    auto form = is_commit ? Form{0, {"ONCE"}} : kinds().at(word);
    if (inside)
      form.options =
          word == "SET" || word == "ADD" ? std::set<std::string>{"TTL"} : std::set<std::string>{};
    const auto least = 1 + form.fixed + (inside || is_commit ? 0 : 1);
    if (count < least || count > least + 2 * form.options.size()) return {kUnknown};
    std::map<std::string, std::string> options;
    for (auto i = least; i < count; i += 2) {
      if (!form.options.contains((*words)[i]) || options.contains((*words)[i]) || i + 1 == count) {
        return error(kWrong);
      }
      options[(*words)[i]] = (*words)[i + 1];
    }
    const Words fixed(words->begin() + static_cast<std::ptrdiff_t>(least - form.fixed),
                      words->begin() + static_cast<std::ptrdiff_t>(least));
    if (!are_good(options)) return error(kWrong);
    if (is_commit) return is_open_ ? commit(options) : error(kWrong);
    if (is_change(word)) return change(word, inside ? "" : (*words)[1], fixed, options, inside);
    return read(word, (*words)[1], fixed, options);
  }

  static bool are_good(const std::map<std::string, std::string>& options) {
    return std::all_of(options.begin(), options.end(), [](const auto& option) {
      const auto& [name, word] = option;
      if (name == "IF") return number(word, 0, UINT64_MAX).has_value();
      if (name == "TTL") return number(word, 1, kTtlMax).has_value();
      if (name == "LIMIT") return number(word, 1, 10000).has_value();
      if (name == "WAIT") return number(word, 0, 10000).has_value();
      return name != "ONCE" || (!word.empty() && word.size() <= 16);
    });
  }

  // What keeps a request from its bucket.
  std::optional<Expected> fault_of(const std::string& bucket) {
    is_executed_ = true;
    failed_before_ = failed_;
    if (bucket.empty()) return error(kWrong);
    if (bucket.size() > limits::kBucketNameBytesMax) return error("too_large");
    if (bucket[0] < 'a' || bucket[0] > 'y') return error("no_route");
    return std::nullopt;
  }

  Expected begin(const std::string& bucket) {
    if (is_open_) return error(kWrong);
    is_open_ = true;
    failed_.clear();
    bucket_ = bucket;
    checks_.clear();
    changes_.clear();
    return {"OK\r\n"};
  }
  Expected abort() {
    if (!is_open_) return error(kWrong);
    is_open_ = false;
    return {"OK\r\n"};
  }
  Expected check_line(const Words& words) {
    const auto rev = number(words[2], 0, UINT64_MAX);
    if (!rev || !is_open_) return error(kWrong);
    if (!failed_.empty()) return error(failed_);
    if (checks_.size() == limits::kApplyChecksMax) return error("too_large");
    if (words[1].size() > limits::kKeyBytesMax) return error("too_large");
    checks_.emplace_back(words[1], *rev);
    return {"OK\r\n"};
  }
  Expected commit(std::map<std::string, std::string>& options) {
    is_open_ = false;
    if (!failed_.empty()) return error(failed_);
    return apply(bucket_, checks_, changes_, options, true);
  }

  Expected change(const std::string& word, const std::string& bucket, const Words& fixed,
                  std::map<std::string, std::string>& options, bool inside) {
    Change out;
    out.word = word;
    out.key = fixed[0];
    if (word == "SET") out.value = fixed[1];
    if (options.contains("TTL")) out.ttl = number(options["TTL"], 1, kTtlMax);
    if (word == "ADD") {
      const auto delta = integer(fixed[1]);
      if (!delta) return error(kWrong);
      out.delta = *delta;
    }
    if (word == "TOUCH") {
      out.ttl = number(fixed[1], 0, kTtlMax);
      if (!out.ttl) return error(kWrong);
      if (*out.ttl == 0) out.ttl.reset();
    }
    if (!inside) {
      Checks checks;
      if (options.contains("IF"))
        checks.emplace_back(out.key, *number(options["IF"], 0, UINT64_MAX));
      return apply(bucket, checks, {out}, options, false);
    }
    if (!failed_.empty()) return error(failed_);
    if (changes_.size() == limits::kApplyChangesMax) return error("too_large");
    if (out.key.size() > limits::kKeyBytesMax) return error("too_large");
    changes_.push_back(out);
    return {"OK\r\n"};
  }

  Expected apply(const std::string& bucket, const Checks& checks,
                 const std::vector<Change>& changes, std::map<std::string, std::string>& options,
                 bool is_commit) {
    if (auto fault = fault_of(bucket)) return *fault;
    std::set<std::string> keys;
    for (const auto& check : checks) {
      if (check.first.size() > limits::kKeyBytesMax) return error("too_large");
    }
    for (const auto& change : changes) {
      if (change.key.size() > limits::kKeyBytesMax) return error("too_large");
      if (!keys.insert(change.key).second) return error(kWrong);
    }
    const auto found = buckets_.find(bucket);
    if (found == buckets_.end()) return {"NOT FOUND\r\n"};
    // Ids that were used, and revisions that somebody guessed, are not the reference's business.
    if (options.contains("ONCE") && !ids_.insert(options["ONCE"]).second) is_unknown_ = true;
    for (const auto& [key, rev] : checks) is_unknown_ |= rev > (std::uint64_t{1} << 32);
    std::string failed;
    for (std::size_t i = 0; i < checks.size() && failed.empty(); ++i) {
      const bool is_there = found->second.contains(checks[i].first);
      if (checks[i].second == 0 && !is_there) continue;  // no other revision is a small number
      failed = std::string{"CONFLICT "} + (is_there ? kRevision : '0') +
               (is_commit ? " " + std::to_string(i + 1) : "") + "\r\n";
    }
    if (!failed.empty()) return {failed, false, true};
    auto after = found->second;
    std::string sum;
    for (const auto& change : changes) {
      if (!make(after, change, sum)) return error(kWrong);
    }
    found->second = after;
    const bool is_sum = !is_commit && changes[0].word == "ADD";
    return {(is_sum ? sum + "\r\n" : "") + "OK " + kRevision + "\r\n", false, true};
  }

  static bool make(Keys& keys, const Change& change, std::string& sum) {
    const auto at = keys.find(change.key);
    if (change.word == "SET") {
      keys[change.key] = {change.value, change.ttl};
    } else if (change.word == "UNSET") {
      keys.erase(change.key);
    } else if (change.word == "TOUCH") {
      if (at != keys.end()) at->second.ttl = change.ttl;
    } else {
      const auto before =
          at == keys.end() ? std::optional<std::int64_t>{0} : integer(at->second.value);
      std::int64_t after = 0;
      if (!before || __builtin_add_overflow(*before, change.delta, &after)) return false;
      auto& entry = keys[change.key];
      entry.value = sum = std::to_string(after);
      if (change.ttl) entry.ttl = change.ttl;
    }
    return true;
  }

  static std::string option_or_empty(const std::map<std::string, std::string>& options,
                                     const std::string& name) {
    const auto at = options.find(name);
    return at == options.end() ? "" : at->second;
  }

  static std::string expiry(const Entry& entry) {
    return entry.ttl ? " TTL " + std::to_string(*entry.ttl) : "";
  }

  Expected read(const std::string& word, const std::string& bucket, const Words& fixed,
                std::map<std::string, std::string>& options) {
    if (word == "CHANGES" && !number(fixed[0], 0, UINT64_MAX)) return error(kWrong);
    if (auto fault = fault_of(bucket)) return *fault;
    if (word == "CHANGES") {
      if (!buckets_.contains(bucket)) return {"NOT FOUND\r\n"};
      return error("protocol_error");  // see the target: it is answered with something else
    }
    const auto key = word == "READ" ? fixed[0] : "";
    for (const auto& bytes :
         {key, option_or_empty(options, "AFTER"), option_or_empty(options, "PREFIX")}) {
      if (bytes.size() > limits::kKeyBytesMax) return error("too_large");
    }
    const auto found = buckets_.find(bucket);
    if (found == buckets_.end()) return {"NOT FOUND\r\n"};
    const auto& keys = found->second;
    if (word == "READ") {
      const auto at = keys.find(key);
      if (at == keys.end()) return {"0 0\r\n\r\nOK\r\n"};
      return {std::string{kRevision} + " " + std::to_string(at->second.ttl.value_or(0)) + "\r\n" +
                  shown(at->second.value) + "\r\nOK\r\n",
              false, true};
    }
    return scan(keys, options);
  }

  static Expected scan(const Keys& keys, std::map<std::string, std::string>& options) {
    const auto limit = options.contains("LIMIT") ? *number(options["LIMIT"], 1, 10000) : 1000;
    const auto after = options.find("AFTER");
    std::string lines;
    std::uint64_t count = 0;
    bool more = false;
    for (const auto& [key, entry] : keys) {
      if (!key.starts_with(option_or_empty(options, "PREFIX"))) continue;
      if (after != options.end() && key <= after->second) continue;
      if (count == limit) {
        more = true;
        break;
      }
      ++count;
      lines += shown(key) + " " + kRevision + " " + shown(entry.value) + expiry(entry) + "\r\n";
    }
    return {
        std::to_string(count) + "\r\n" + lines + (more ? "OK MORE " : "OK ") + kRevision + "\r\n",
        false, true};
  }

  Buckets& buckets_;
  bool is_open_ = false;
  std::string failed_;         // the code of the first refusal
  std::string failed_before_;  // when the last request went out
  bool is_executed_ = false;   // the last line became a request
  std::string bucket_;
  Checks checks_;
  std::vector<Change> changes_;
  std::set<std::string> ids_;
  bool is_unknown_ = false;
};

}  // namespace kvmesh::fuzz
