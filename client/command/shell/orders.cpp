#include "client/command/shell/orders.h"

#include <string>
#include <utility>

#include "client/command/base/numbers.h"
#include "client/command/base/program.h"
#include "client/command/base/session.h"
#include "client/command/shell/shell.h"
#include "common/text.h"

namespace kvmesh::command::shell {
namespace {

int usage(Shell& shell, const char* name, OrderOptions options, const std::string& what) {
  std::string text = what + "; usage: " + name;
  if (options.limit) text += " [--limit DURATION]";
  text += options.bucket ? " [NODE | --bucket BUCKET]" : " [NODE]";
  shell.session().complain(text + " FUNCTION [ARGS...]");
  return kExitUsage;
}

}  // namespace

bool is_node(const Word& word) { return text_of(word).find('@') != std::string::npos; }

int read_order(Shell& shell, const char* name, const Words& words, OrderOptions options,
               Order& order) {
  Session& session = shell.session();
  std::size_t at = 0;
  const auto has = [&](std::size_t count) { return words.size() >= at + count; };
  while (has(1)) {
    if (options.bucket && words[at].is("--bucket")) {
      if (!has(2)) return usage(shell, name, options, "--bucket names no bucket");
      order.call.bucket = text_of(words[at + 1]);
    } else if (options.limit && words[at].is("--limit")) {
      const auto limit = has(2) ? parse_duration(text_of(words[at + 1])) : std::nullopt;
      if (!limit) {
        return usage(shell, name, options, "--limit takes 1ms to 24h, for example 500ms or 10m");
      }
      order.limit = *limit;
    } else {
      break;
    }
    at += 2;
  }
  const auto fault = has(1) ? endpoint_fault(session, text_of(words[at])) : "";
  if (!fault.empty()) {
    session.complain(fault);
    return kExitUsage;
  }
  order.call.node = shell.node();
  if (!order.call.bucket && has(1) && is_node(words[at])) order.call.node = text_of(words[at++]);
  if (!has(1)) return usage(shell, name, options, "it names no function");
  order.call.function = text_of(words[at]);
  auto args = arguments_of(words, at + 1);
  if (!args) return session.fail(args.status());
  order.call.args = *std::move(args);
  return kExitOk;
}

}  // namespace kvmesh::command::shell
