#pragma once

#include <kvmesh/value.h>

#include <string>

#include "client/command/verify/moves.h"
#include "client/verify/difference.h"
#include "client/verify/verify.h"

/// What `kvmesh verify` prints. Pure functions; safe to print on a terminal.
namespace kvmesh::command {

/// Faults, warnings, a line for each owner, and last whether the mesh is sound. At most
/// kShownOfAKind findings of one kind are told, and how many more there are.
std::string report_text(const verify::Report& report, bool color);
inline constexpr std::size_t kShownOfAKind = 20;

/// The last line of report_text(): "sound: ..." or "not sound: 2 faults, 1 warning; ...".
std::string verdict_text(const verify::Report& report);
/// What its first faults are, in one line; empty when there are none.
std::string faults_text(const verify::Report& report);

/// Which bytes change their owner, who joins and leaves, and what has to move. `moves`: what has
/// been counted; null: the old mesh was not asked, and only bytes are known.
std::string difference_text(const verify::Difference& difference, const Moves* moves, bool color);

/// Everything, as one object.
Value report_json(const verify::Report& report);
/// {"joined": [...], "left": [...], "changes": [...], "after": the report of the new mesh}. With
/// `moves` each change has its "moves", and there are "holdings" and "silent".
Value difference_json(const verify::Difference& difference, const Moves* moves,
                      const verify::Report& after);

}  // namespace kvmesh::command
