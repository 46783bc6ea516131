#include "common/functions.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <unordered_map>

namespace kvmesh::functions {
namespace {

constexpr std::array kAll = {
    &kKvApply,      &kKvBuckets,      &kKvChanges,   &kKvCount,        &kKvCreate,
    &kKvDelete,     &kKvDrop,         &kKvGet,       &kKvHere,         &kKvKeys,
    &kKvOptions,    &kKvPut,          &kKvRead,      &kKvScan,         &kNodeAudit,
    &kNodeInfo,     &kNodeName,       &kNodePing,    &kNodeReload,     &kNodeWatch,
    &kProcessClose, &kProcessMonitor, &kProcessOpen, &kProcessReceive, &kProcessSend,
    &kServerCall,   &kServerCast,     &kServerList,  &kServerRestart,  &kTaskCancel,
    &kTaskList,     &kTaskModules,    &kTaskNext,    &kTaskRun,
};
constexpr auto kNameOf = [](const Function* function) { return function->name; };
static_assert(std::ranges::is_sorted(kAll, {}, kNameOf));

// The names are our own, so nobody can choose them to collide: their length and ends tell them
// apart, and where there are principals every request looks for one.
struct EndsHash {
  std::size_t operator()(std::string_view name) const {
    std::size_t out = name.size();
    for (const char c : name.substr(name.size() - std::min<std::size_t>(name.size(), 4))) {
      out = out << 8 | static_cast<unsigned char>(c);
    }
    return out + (name.empty() ? 0 : static_cast<unsigned char>(name.front()));
  }
};

constexpr std::array<LineForm, 23> kLineForms = {{
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
    {LineVerb::kSet, "SET", 4, 4, &kKvApply, LineReply::kChanged,
     "SET bucket key value [IF rev] [TTL ms] [ONCE id]\r\n"
     "                          store a value: OK and the revision; with IF only if the key has "
     "that one\r\n"
     "                          (0: is not there), else CONFLICT and the one it has\r\n",
     LineWords::kChange, LineOptions{LineOption::kIf, LineOption::kTtl, LineOption::kOnce},
     LineOptions{LineOption::kTtl}},
    {LineVerb::kUnset, "UNSET", 3, 3, &kKvApply, LineReply::kChanged,
     "UNSET bucket key [IF rev] [ONCE id]\r\n"
     "                          remove a key, with the same replies\r\n",
     LineWords::kChange, LineOptions{LineOption::kIf, LineOption::kOnce}},
    {LineVerb::kRead, "READ", 3, 3, &kKvRead, LineReply::kEntry,
     "READ bucket key           its revision and ms to live (0: for ever), its value on a line, "
     "then OK\r\n"
     "                          (of no such key: 0 0 and an empty line)\r\n",
     LineWords::kQuoted},
    {LineVerb::kAdd, "ADD", 4, 4, &kKvApply, LineReply::kSum,
     "ADD bucket key delta [TTL ms] [ONCE id]\r\n"
     "                          add to a number: the sum on a line, then OK and the revision\r\n",
     LineWords::kChange, LineOptions{LineOption::kTtl, LineOption::kOnce},
     LineOptions{LineOption::kTtl}},
    {LineVerb::kTouch, "TOUCH", 4, 4, &kKvApply, LineReply::kChanged,
     "TOUCH bucket key ms       the key expires after that time (0: never): OK and the "
     "revision\r\n",
     LineWords::kChange},
    {LineVerb::kScan, "SCAN", 2, 2, &kKvScan, LineReply::kScan,
     "SCAN bucket [PREFIX p] [AFTER key] [LIMIT n]\r\n"
     "                          how many keys follow, a line of key, revision, value each, then "
     "OK and the\r\n"
     "                          bucket's revision (OK MORE: ask again AFTER the last)\r\n",
     LineWords::kQuoted, LineOptions{LineOption::kPrefix, LineOption::kAfter, LineOption::kLimit}},
    {LineVerb::kChanges, "CHANGES", 3, 3, &kKvChanges, LineReply::kChanges,
     "CHANGES bucket rev [PREFIX p] [WAIT ms]\r\n"
     "                          how many changes after that revision follow, a line each, then OK "
     "and the\r\n"
     "                          revision to ask next; RESET and that: SCAN first, some are "
     "forgotten\r\n",
     LineWords::kQuoted, LineOptions{LineOption::kPrefix, LineOption::kWait}},
    {LineVerb::kBegin, "BEGIN", 2, 2, nullptr, LineReply::kDone,
     "BEGIN bucket              collect SET, UNSET, ADD and TOUCH, which name no bucket now, and "
     "CHECK\r\n",
     LineWords::kQuoted},
    {LineVerb::kCheck, "CHECK", 3, 3, nullptr, LineReply::kDone,
     "CHECK key rev             COMMIT only if the key has that revision (0: is not there)\r\n",
     LineWords::kQuoted},
    {LineVerb::kCommit, "COMMIT", 1, 1, &kKvApply, LineReply::kCommitted,
     "COMMIT [ONCE id]          make all changes: OK and the revision; or none: CONFLICT, a key's "
     "revision\r\n"
     "                          and the number of its CHECK\r\n",
     LineWords::kQuoted, LineOptions{LineOption::kOnce}},
    {LineVerb::kAbort, "ABORT", 1, 1, nullptr, LineReply::kDone,
     "ABORT                     forget what was collected since BEGIN\r\n", LineWords::kQuoted},
    {LineVerb::kAuth, "AUTH", 3, 3, nullptr, LineReply::kDone,
     "AUTH user secret          say who you are: OK, or ERROR denied\r\n", LineWords::kQuoted},
    {LineVerb::kWhoAmI, "WHOAMI", 1, 1, nullptr, LineReply::kDone,
     "WHOAMI                    your name on a line (anonymous: you have not said), then OK\r\n"},
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
  static const auto kByName = [] {
    std::unordered_map<std::string_view, const Function*, EndsHash> out;
    for (const auto* function : kAll) out.emplace(function->name, function);
    return out;
  }();
  const auto found = kByName.find(name);
  return found == kByName.end() ? nullptr : found->second;
}

std::string usage(const Function& function) {
  return function.str() + " " + std::string{function.arguments};
}

std::span<const LineForm> line_forms() { return kLineForms; }

}  // namespace kvmesh::functions
