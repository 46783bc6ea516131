#include "client/command/base/json.h"

#include <absl/strings/escaping.h>

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/text.h"
#include "common/utf8.h"

namespace kvmesh::command {
namespace {

using Json = nlohmann::ordered_json;

Status at_column(StatusCode code, std::size_t column, const std::string& why) {
  return {code, "column " + std::to_string(column) + ": " + why};
}

// What the parser says is wrong, without where and without what it would rather have had:
// "[...] parse error at ...: syntax error while parsing value - REASON; last read: '...'".
std::string reason_of(std::string_view what) {
  const auto begin = what.find(" - ");
  if (begin == std::string_view::npos) return "it is no JSON";
  what.remove_prefix(begin + 3);
  return std::string{what.substr(0, what.find(';'))};
}

// Whether the digits of a decimal fraction or exponent say that it is none of zero's spellings.
bool has_digit_above_zero(std::string_view number) {
  return number.substr(0, number.find_first_of("eE")).find_first_of("123456789") !=
         std::string_view::npos;
}

// A list or map whose end has not come.
struct Open {
  static constexpr std::size_t kFew = 16;
  using Members = std::vector<Json::object_t::value_type>;

  Json* at = nullptr;
  std::unordered_set<std::string> names;  // of a map's members, when there are more than a few

  // The map's own functions look at all members each time.
  Members& members() const { return at->get_ref<Json::object_t&>(); }
  bool has(const std::string& name) {
    if (members().size() < kFew) {
      return std::ranges::any_of(members(), [&](const auto& one) { return one.first == name; });
    }
    if (names.empty()) {
      for (const auto& member : members()) names.insert(member.first);
    }
    return !names.insert(name).second;
  }
  Json& add(std::string name) { return members().emplace_back(std::move(name), nullptr).second; }
};

// Builds the document as the parser reads it; says no to what it would lose.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  Status fault;
  Json document;

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t& text) override {
    const bool integer = text.find_first_of(".eE") == std::string::npos;
    if (integer || (value == 0 && has_digit_above_zero(text))) return refuse_number(text);
    return add(value);
  }
  bool string(string_t& text) override { return add(std::move(text)); }
  bool binary(binary_t& /*bytes*/) override { return false; }  // no text has any
  bool start_object(std::size_t /*size*/) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*size*/) override { return open(Json::array()); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (open_.back().has(name)) {
      fault = {StatusCode::kTooLarge, "has the member " + kvmesh::in_quotes(name) + " twice"};
      return false;
    }
    next_ = &open_.back().add(std::move(name));
    return true;
  }
  bool parse_error(std::size_t position, const std::string& last_token,
                   const nlohmann::detail::exception& error) override {
    constexpr int kOutOfRange = 406;
    if (error.id == kOutOfRange) return refuse_number(last_token);
    fault = at_column(StatusCode::kInvalidArgument, position, reason_of(error.what()));
    return false;
  }

 private:
  bool refuse_number(std::string_view text) {
    fault = {StatusCode::kTooLarge, "has a number that does not fit, " + kvmesh::in_quotes(text) +
                                        "; write it as a string"};
    return false;
  }
  Json* place(Json value) {
    if (open_.empty()) return &(document = std::move(value));
    auto& parent = *open_.back().at;
    if (parent.is_array()) return &parent.emplace_back(std::move(value));
    return &(*next_ = std::move(value));
  }
  bool add(Json value) {
    place(std::move(value));
    return true;
  }
  // Of what is open nothing moves: only the innermost one grows, and it is the last of its parent.
  bool open(Json container) {
    open_.push_back({place(std::move(container)), {}});
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::vector<Open> open_;
  Json* next_ = nullptr;  // the member whose name was read last
};

// Whether all of `text` is a document, whatever its members are named and however large its numbers
// are: the parser itself ends at a number that does not fit.
bool is_document(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789";
  std::string small;  // with a digit for each run of them, or two where zero begins it
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    small += text[i];
    if (quoted && text[i] == '\\' && i + 1 < text.size()) {
      small += text[++i];
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && kDigits.find(text[i]) != std::string_view::npos) {
      const auto end = std::min(text.find_first_not_of(kDigits, i), text.size());
      if (text[i] == '0' && end - i > 1) small += text[i + 1];
      i = end - 1;
    }
  }
  return Json::accept(small);
}

}  // namespace

Result<Json> parse_strict_json(std::string_view text) {
  // The library takes a NUL byte for the end, and passes over a byte order mark.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    return at_column(StatusCode::kInvalidArgument, nul + 1, "a NUL byte; write \\u0000");
  }
  if (text.starts_with(kByteOrderMark)) {
    return at_column(StatusCode::kInvalidArgument, 1, "a byte order mark");
  }
  Builder builder;
  if (Json::sax_parse(text.begin(), text.end(), &builder)) return std::move(builder.document);
  const bool lost = builder.fault.code() == StatusCode::kTooLarge;
  if (builder.fault.ok() || (lost && !is_document(text))) {
    return Status{StatusCode::kInvalidArgument, "it is no JSON"};
  }
  return std::move(builder.fault);
}

std::optional<std::string> decode_base64(std::string_view text) {
  // The decoder of the library passes over white space and takes '.' for '='.
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  if (text.find_first_not_of(kDigits) != std::string_view::npos) return std::nullopt;
  std::string bytes;
  if (!absl::Base64Unescape(absl::string_view{text.data(), text.size()}, &bytes)) {
    return std::nullopt;
  }
  // Padding may be left out; bits after the last byte would be passed over.
  const auto again = absl::Base64Escape(bytes);
  if (!std::string_view{again}.starts_with(text)) return std::nullopt;
  return bytes;
}

Value error_value(const Status& status) {
  return Value::Map{{"code", std::string{to_string(status.code())}},
                    {"text", Bytes{status.text()}}};
}

}  // namespace kvmesh::command
