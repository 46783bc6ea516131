#pragma once

#include <chrono>

#include "client/command/shell/handlers.h"
#include "client/command/tasks/task_runs.h"

namespace kvmesh::command::shell {

/// What call, async, spawn and spawn_link are given.
struct Order {
  Call call;
  std::chrono::milliseconds limit{0};  // none
};

/// The options that a command takes before the function.
struct OrderOptions {
  bool bucket = false;  // --bucket BUCKET, instead of a node
  bool limit = false;   // --limit DURATION
};

/// Reads [NODE] FUNCTION [ARGS...], after the options; without a node it is the shell's. Says what
/// is wrong and gives the exit status; kExitOk with `order`. `name` is the command's.
int read_order(Shell& shell, const char* name, const Words& words, OrderOptions options,
               Order& order);

/// A word that names a node, where a function or a server's name could stand: it has a @ in it.
bool is_node(const Word& word);

}  // namespace kvmesh::command::shell
