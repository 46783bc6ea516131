#include "common/functions.h"

#include <algorithm>

namespace kvmesh::functions {
namespace {

constexpr std::array kAll = {
    &kKvApply,     &kKvBuckets,      &kKvChanges,   &kKvCount,      &kKvCreate,
    &kKvDelete,    &kKvDrop,         &kKvGet,       &kKvHere,       &kKvKeys,
    &kKvPut,       &kKvRead,         &kKvScan,      &kNodeInfo,     &kNodeName,
    &kNodePing,    &kNodeReload,     &kNodeWatch,   &kProcessClose, &kProcessMonitor,
    &kProcessOpen, &kProcessReceive, &kProcessSend, &kServerCall,   &kServerCast,
    &kServerList,  &kServerRestart,  &kTaskCancel,  &kTaskList,     &kTaskModules,
    &kTaskNext,    &kTaskRun,
};
constexpr auto kNameOf = [](const Function* function) { return function->name; };
static_assert(std::ranges::is_sorted(kAll, {}, kNameOf));

constexpr std::array<LineForm, 10> kLineForms = {{
    {LineVerb::kCreate, "CREATE", 2, 2, &kKvCreate, LineReply::kDone,
     "CREATE bucket             make a bucket\r\n"},
    {LineVerb::kPut, "PUT", 4, 4, &kKvPut, LineReply::kDone,
     "PUT bucket key value      store a value\r\n"},
    {LineVerb::kGet, "GET", 3, 3, &kKvGet, LineReply::kValue,
     "GET bucket key            its value on a line (empty when there is none), then OK\r\n"},
    {LineVerb::kDelete, "DELETE", 3, 3, &kKvDelete, LineReply::kDone,
     "DELETE bucket key         remove a key\r\n"},
    {LineVerb::kDrop, "DROP", 2, 2, &kKvDrop, LineReply::kDone,
     "DROP bucket               remove a bucket and its keys\r\n"},
    {LineVerb::kKeys, "KEYS", 2, 3, &kKvKeys, LineReply::kNames,
     "KEYS bucket [after]       how many keys follow, a line each, then OK (OK MORE: ask again "
     "after the last)\r\n"
     "KEYS bucket AFTER key     the same after a key that holds blanks: all to the end of the "
     "line\r\n"},
    {LineVerb::kRoute, "ROUTE", 2, 2, &kNodeName, LineReply::kRoute,
     "ROUTE bucket              the nodes on the way to the bucket, a line each, then OK\r\n"},
    {LineVerb::kPing, "PING", 1, 1, nullptr, LineReply::kDone,
     "PING                      PONG\r\n"},
    {LineVerb::kHelp, "HELP", 1, 1, nullptr, LineReply::kDone,
     "HELP                      this list, then OK\r\n"},
    {LineVerb::kQuit, "QUIT", 1, 1, nullptr, LineReply::kDone,
     "QUIT                      close this connection\r\n"},
}};

}  // namespace

std::string Function::str() const { return std::string{name}; }

std::span<const Function* const> all() { return kAll; }

const Function* find(std::string_view name) {
  const auto at = std::ranges::lower_bound(kAll, name, {}, kNameOf);
  return at != kAll.end() && (*at)->name == name ? *at : nullptr;
}

std::string usage(const Function& function) {
  return function.str() + " " + std::string{function.arguments};
}

std::span<const LineForm> line_forms() { return kLineForms; }

}  // namespace kvmesh::functions
