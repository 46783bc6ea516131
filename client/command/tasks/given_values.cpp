#include "client/command/tasks/given_values.h"

#include "client/command/base/values.h"

namespace kvmesh::command {
namespace {

void warn_of(const Session& session, const std::string& text) {
  const std::string warning = text_warning(text);
  if (!warning.empty()) session.complain("warning: " + warning);
}

}  // namespace

Result<Value> value_given(const Session& session, const std::string& text) {
  warn_of(session, text);
  return parse_argument(text);
}

Result<Value::List> values_given(const Session& session, const std::vector<std::string>& texts) {
  for (const auto& text : texts) warn_of(session, text);
  return parse_arguments(texts);
}

}  // namespace kvmesh::command
