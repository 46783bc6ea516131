// vars, and words that several commands read in the same way.
#include <string>

#include "client/command/base/exit_status.h"
#include "client/command/base/numbers.h"
#include "client/command/base/values.h"
#include "client/command/shell/handlers.h"
#include "client/command/shell/shell.h"
#include "common/text.h"

namespace kvmesh::command::shell {

Result<Value::List> arguments_of(const Words& words, std::size_t first) {
  Value::List values;
  for (std::size_t i = first; i < words.size(); ++i) {
    auto value = value_of(words[i]);
    if (!value) return value.status();
    values.push_back(*std::move(value));
  }
  return values;
}

bool is_self(const Word& word) { return !word.literal && !word.value && word.text == "self"; }

std::optional<std::chrono::milliseconds> wait_of(const Session& session, const Word& word) {
  const std::string text = text_of(word);
  if (text == "0") return std::chrono::milliseconds{0};
  if (const auto duration = parse_duration(text)) return duration;
  if (const auto seconds = parse_duration(text + "s")) return seconds;
  session.complain(in_quotes(text) +
                   " is no time up to 24 h; write seconds, or a duration such as 500ms");
  return std::nullopt;
}

int show_variables(Shell& shell, const Words& /*words*/) {
  const Session& session = shell.session();
  const auto& all = shell.variables().all();
  if (session.json()) {
    session.print_line(Value{Value::Map{all.begin(), all.end()}}.to_json());
    return kExitOk;
  }
  for (const auto& [name, value] : all) {
    const std::string title = name + " = ";
    session.print_line(title + value_text(value, output_width() - title.size()));
  }
  return kExitOk;
}

}  // namespace kvmesh::command::shell
