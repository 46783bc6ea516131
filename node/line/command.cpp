#include "node/line/command.h"

#include <kvmesh/limits.h>

#include "node/line/blanks.h"

namespace kvmesh::line {
namespace {

constexpr std::size_t kWordsMax = 4;

// The line's words; one more than kWordsMax means "too many".
std::size_t split(std::string_view line, std::array<std::string_view, kWordsMax>& words) {
  std::size_t count = 0;
  std::size_t at = 0;
  for (;;) {
    while (at < line.size() && is_space(line[at])) ++at;
    if (at == line.size()) return count;
    if (count == kWordsMax) return kWordsMax + 1;
    const auto begin = at;
    at = word_end(line, at);
    words[count++] = line.substr(begin, at - begin);
  }
}

// KEYS bucket AFTER key: after one blank, the rest of the line as it is, so that a listing can go
// on after any key that a line can show. Empty when it is not of this form.
std::string_view key_to_the_end(std::string_view line, std::string_view after) {
  if (after != "AFTER") return {};
  const auto at = static_cast<std::size_t>(after.data() - line.data()) + after.size() + 1;
  return at < line.size() ? line.substr(at) : std::string_view{};
}

}  // namespace

Command parse_command(std::string_view line) {
  std::array<std::string_view, kWordsMax> words;
  const auto count = split(line, words);
  for (const auto& form : functions::line_forms()) {
    if (words[0] != form.word) continue;
    if (form.words != functions::LineWords::kPlain) return {form.verb, {}, {}, {}, true};
    if (form.verb == Verb::kKeys && count > 2) {
      const auto key = key_to_the_end(line, words[2]);
      if (!key.empty()) return {form.verb, words[1], key, {}};
    }
    if (count < form.words_min || count > form.words_max) break;
    return {form.verb, words[1], words[2], words[3]};
  }
  return {};
}

const functions::LineForm* form_of(Verb verb) {
  const auto forms = functions::line_forms();
  const auto place = static_cast<std::size_t>(verb);
  return place < forms.size() ? &forms[place] : nullptr;
}

const functions::Function* function_of(Verb verb) {
  const auto* form = form_of(verb);
  return form == nullptr ? nullptr : form->function;
}

RequestView to_request(const Command& command, std::span<ArgumentView> words) {
  const auto& form = *form_of(command.verb);
  RequestView request;
  request.target = {Target::Kind::kBucket, command.bucket};
  request.function = form.function->name;
  if (form.reply == functions::LineReply::kRoute) request.flags |= RequestView::kFlagTrace;
  std::size_t count = 0;
  if (form.reply == functions::LineReply::kNames) {
    words[count++] = command.key.empty() ? ArgumentView{} : ArgumentView::of(command.key);
    words[count++] = ArgumentView::of(limits::kPageItemsDefault);
  } else {
    if (form.words_max > 2) words[count++] = ArgumentView::of(command.key);
    if (form.words_max > 3) words[count++] = ArgumentView::of(command.value);
  }
  request.words = words.first(count);
  return request;
}

}  // namespace kvmesh::line
