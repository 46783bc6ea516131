#pragma once

#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <string>
#include <vector>

#include "client/command/base/session.h"

/// Values from a command line, see parse_argument(). What begins as a list or map but is no JSON is
/// text, as all else; a warning on standard error says so, and how to write text on purpose.
namespace kvmesh::command {

Result<Value> value_given(const Session& session, const std::string& text);
Result<Value::List> values_given(const Session& session, const std::vector<std::string>& texts);

}  // namespace kvmesh::command
