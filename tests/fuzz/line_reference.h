#pragma once

#include <map>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include <kvmesh/limits.h>

#include "tests/fuzz/line_data_reference.h"

/// The line protocol once more, as plainly as it can be written: to compare ours with.
namespace kvmesh::fuzz {

/// A node that stores the buckets `a` to `y` and has no route for the others. The texts of errors
/// are not its business.
class LineReference {
 public:
  using Buckets = std::map<std::string, std::map<std::string, std::string>>;

  // The one user, and its secret.
  static constexpr std::string_view kUser = "u";
  static constexpr std::string_view kSecret = "a b";

  /// `is_locked`: nobody may do anything before AUTH.
  LineReference(const Buckets& buckets, std::size_t line_bytes_max, bool is_locked)
      : line_bytes_max_(line_bytes_max), is_locked_(is_locked) {
    for (const auto& [bucket, keys] : buckets) {
      auto& entries = buckets_[bucket];
      for (const auto& [key, value] : keys) entries[key] = {value, {}};
    }
  }

  /// Nothing is said of the replies after those: they depend on revisions.
  bool is_unknown() const { return data_.is_unknown(); }

  /// The replies to all that one connection sends, in order.
  std::vector<Expected> run(std::string_view text) {
    std::vector<Expected> out;
    while (!quit_ && !text.empty() && !is_unknown()) {
      const auto end = text.find('\n');
      if (end == std::string_view::npos) {
        // What is over the limit, whatever follows, is told at once.
        if (text.size() > line_bytes_max_ + 1) out.push_back(error("too_large"));
        return out;
      }
      auto line = text.substr(0, end);
      text.remove_prefix(end + 1);
      if (line.ends_with('\r')) line.remove_suffix(1);
      const bool is_first = out.empty();
      if (line.size() <= line_bytes_max_ && is_foreign(std::string{line}, is_first)) {
        out.push_back(error("protocol_error"));
        return out;
      }
      out.push_back(reply_to(line));
    }
    if (is_unknown()) out.pop_back();
    return out;
  }

 private:
  static Expected error(const std::string& code) { return LineDataReference::error(code); }
  static Expected ok() { return {"OK\r\n"}; }

  Expected reply_to(std::string_view line) {
    if (line.size() > line_bytes_max_) {
      data_.fail("too_large");
      quit_ = is_locked_;
      return error("too_large");
    }
    const auto plain = words_of(line);
    const std::string verb = plain.empty() ? "" : plain[0];
    if (verb == "AUTH") return log_in(std::string{line});
    if (verb == "WHOAMI" && plain.size() == 1) {
      return {(user_.empty() ? "anonymous" : user_) + "\r\nOK\r\n"};
    }
    const bool is_for_all =
        (verb == "PING" || verb == "HELP" || verb == "QUIT") && plain.size() == 1;
    if (is_locked_ && !is_for_all) return error("denied");
    const auto words = command_of(line);
    if (!words.empty() && LineDataReference::has(words[0])) return data_.answer(line);
    auto reply = answer(words);
    if (reply.text == "UNKNOWN COMMAND\r\n") data_.fail("invalid_argument");
    return reply;
  }

  Expected log_in(const std::string& line) {
    const auto words = quoted_words_of(line);
    if (!words || words->size() != 3 || data_.is_open()) {
      data_.fail("invalid_argument");
      return error("invalid_argument");
    }
    if ((*words)[1] != kUser || (*words)[2] != kSecret) return error("denied");
    user_ = kUser;
    is_locked_ = false;
    return ok();
  }

  static bool is_foreign(const std::string& line, bool is_first) {
    std::string head = line.substr(0, 5);
    for (char& c : head) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (head == "host:") return true;
    static const std::regex request{
        "([a-zA-Z0-9!#$%&'*+.^_`|~-]+ (/[^ ]*|[^ ]*://[^ ]*|[*])|CONNECT [^ ]+) HTTP/[^ ]*"};
    return is_first && (line.starts_with("\x16\x03") || std::regex_match(line, request));
  }

  static Words words_of(std::string_view line) {
    Words out;
    bool inside = false;
    for (const char c : line) {
      const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f' || c == '\r';
      if (!space && !inside) out.emplace_back();
      if (!space) out.back() += c;
      inside = !space;
    }
    return out;
  }

  // "KEYS bucket AFTER key" with the key to the end of the line is "KEYS bucket key".
  static Words command_of(std::string_view line) {
    auto words = words_of(line);
    if (words.size() < 3 || words[0] != "KEYS" || words[2] != "AFTER") return words;
    auto rest = line;
    for (std::size_t i = 0; i < 3; ++i) {
      rest.remove_prefix(rest.find(words[i]) + words[i].size());
    }
    if (rest.size() < 2) return words;
    return {words[0], words[1], std::string{rest.substr(1)}};
  }

  Expected answer(const Words& words) {
    const std::string verb = words.empty() ? "" : words[0];
    const auto count = words.size();
    if (verb == "PING" && count == 1) return {"PONG\r\n"};
    if (verb == "HELP" && count == 1) return {"CREATE ", true};
    if (verb == "QUIT" && count == 1) {
      quit_ = true;
      return ok();
    }
    const bool known = ((verb == "CREATE" || verb == "DROP" || verb == "ROUTE") && count == 2) ||
                       ((verb == "GET" || verb == "DELETE") && count == 3) ||
                       (verb == "PUT" && count == 4) ||
                       (verb == "KEYS" && (count == 2 || count == 3));
    if (!known) return {"UNKNOWN COMMAND\r\n"};
    const auto& bucket = words[1];
    if (bucket.size() > limits::kBucketNameBytesMax) return error("too_large");
    if (bucket[0] < 'a' || bucket[0] > 'y') return error("no_route");
    if (verb == "ROUTE") return {"foo@h a..y -> here\r\nOK\r\n"};
    if (count > 2 && words[2].size() > limits::kKeyBytesMax) return error("too_large");
    if (verb == "CREATE") {
      buckets_.try_emplace(bucket);
      return ok();
    }
    const auto found = buckets_.find(bucket);
    if (found == buckets_.end()) return {"NOT FOUND\r\n"};
    return act(words, found);
  }

  Expected act(const Words& words, LineDataReference::Buckets::iterator bucket) {
    auto& keys = bucket->second;
    switch (words[0][0]) {
      case 'P':
        keys[words[2]] = {words[3], {}};
        return ok();
      case 'G':
        return value(keys.find(words[2]), keys.end());
      case 'K':
        return list(keys, words.size() == 3 ? std::optional{words[2]} : std::nullopt);
      default:
        if (words[0] == "DROP") {
          buckets_.erase(bucket);
        } else {
          keys.erase(words[2]);
        }
        return ok();
    }
  }

  static bool fits_a_line(const std::string& text) {
    return text.find_first_of("\r\n") == std::string::npos;
  }

  template <typename Found>
  static Expected value(Found found, Found end) {
    if (found == end) return {"\r\nOK\r\n"};
    const auto& text = found->second.value;
    if (!fits_a_line(text)) return error("not_text");
    return {text + "\r\nOK\r\n"};
  }

  static Expected list(const LineDataReference::Keys& keys,
                       const std::optional<std::string>& after) {
    const auto from = after ? keys.upper_bound(*after) : keys.begin();
    std::string text = std::to_string(std::distance(from, keys.end())) + "\r\n";
    for (auto key = from; key != keys.end(); ++key) {
      if (!fits_a_line(key->first)) return error("not_text");
      text += key->first + "\r\n";
    }
    return {text + "OK\r\n"};
  }

  LineDataReference::Buckets buckets_;
  LineDataReference data_{buckets_};
  std::size_t line_bytes_max_;
  bool is_locked_;
  std::string user_;
  bool quit_ = false;
};

}  // namespace kvmesh::fuzz
