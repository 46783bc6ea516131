#pragma once

#include <string>
#include <string_view>

#include <kvmesh/status.h>

#include "node/sim/plan.h"

/// Scenarios: a plan, or the faults of one, as lines of text (node/sim/README.md).
namespace kvmesh::sim {

/// Adds what the lines of `text` say to `plan`; faults and requests are in order of time
/// afterwards. `where` is the file's name, for errors. kInvalidArgument: "FILE:LINE: what is wrong;
/// what to write", the first fault only. Reads the files that `reload NODE FILE` names.
Status read_scenario(std::string_view text, const std::string& where, Plan& plan);

/// The whole plan; read_scenario() makes the same of it.
std::string write_scenario(const Plan& plan);

// The words of a scenario, one by one.

/// "250us", "1.5ms", "2s": 0 to 24 hours, in steps of a microsecond.
Result<Micros> parse_time(std::string_view text);
/// The shortest that parse_time() reads back.
std::string time_text(Micros time);
/// Any bytes as a word: what is not a letter, digit, `_`, `-` or `.` becomes %41.
std::string escape_word(std::string_view bytes);
std::string unescape_word(std::string_view word);
/// "RANGE=NODE ..." as in a story.
/// What `ask` says of kv.read and kv.apply beside other words: " k1 k2", or " if=k1 put=k2:5ms".
std::string batch_text(const Batch& batch);
/// Adds what one of these words says; kInvalidArgument: it is none.
Status read_batch_word(std::string_view word, Batch& batch);
/// What a node would refuse for the request's sake alone, as the oracle takes it for executed.
Status check_batch(const Batch& batch, std::uint32_t value_bytes);
std::string table_text(const RoutingTable& table);

}  // namespace kvmesh::sim
