#include "node/reload_function.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include <kvmesh/limits.h>

#include "common/functions.h"
#include "common/wire/pack.h"
#include "node/modules/arguments.h"

namespace kvmesh {
namespace {

constexpr std::size_t kRestBytes = 128;  // of the line that says what is left out

void pack_lines(wire::Buffer& out, std::string_view name, const std::vector<std::string>& lines) {
  wire::pack_str(out, name);
  wire::pack_array(out, lines.size());
  for (const auto& line : lines) wire::pack_str(out, line);
}

// Whole lines, as many as fit the text of an error.
Status shortened(const Status& status) {
  const std::string_view text = status.text();
  if (text.size() <= limits::kErrorTextBytesMax) return status;
  const auto end = text.rfind('\n', limits::kErrorTextBytesMax - kRestBytes);
  if (end == std::string_view::npos) return status;
  const auto left = 1 + std::ranges::count(text.substr(end + 1), '\n');
  return {status.code(), std::string{text.substr(0, end)} + "\n... and " + std::to_string(left) +
                             " more; kvmesh-node --check-config prints all"};
}

}  // namespace

void define_reload(core::FunctionRegistry& registry, BeginReload begin) {
  registry.define(functions::kNodeReload, [begin = std::move(begin)](core::Call& call) {
    const modules::Arguments args{call.request(), functions::kNodeReload};
    if (modules::refuse(call, args.check())) return;
    if (modules::refuse_target(functions::kNodeReload, call)) return;
    if (const auto ticket = call.defer()) begin(*ticket);
  });
}

void complete_reload(core::Core& core, core::Call::Ticket ticket,
                     const Result<Node::Reloaded>& report) {
  if (!report) return core.complete(ticket, shortened(report.status()), {});
  wire::Buffer out;
  wire::pack_map(out, 3);
  pack_lines(out, "changes", report->changes);
  pack_lines(out, "needs_restart", report->needs_restart);
  pack_lines(out, "warnings", report->warnings);
  core.complete(ticket, {}, out.view());
}

}  // namespace kvmesh
