#pragma once

#include <kvmesh/message.h>
#include <kvmesh/output.h>
#include <kvmesh/status.h>
#include <kvmesh/value.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// What concerns tasks and processes, for people and as JSON. What is missing in an answer, or of
/// another type, is passed over: nodes of other versions have others. Pure functions.
namespace kvmesh::command {

/// The answers of task.modules and server.list, a line each: "hello.add(int, int)", "server
/// counter: call add(int)".
std::string modules_text(const Value& modules, const Value& servers);
/// The same as an array of objects: {function, parameters, arity}, then {server, calls, casts},
/// both of them arrays of such objects.
Value modules_json(const Value& modules, const Value& servers);
/// The functions alone.
std::vector<std::string> module_functions(const Value& modules);
/// Of the answer of server.list the names of the servers, and of what they, or one of them, can be
/// asked.
std::vector<std::string> server_names(const Value& servers);
std::vector<std::string> server_functions(const Value& servers, const std::string& server = {});

/// The answer of task.list as a table: what runs, since when, for whom; of servers and permanent
/// tasks how often they were restarted, and why they ended last.
std::string tasks_table(const Value& tasks, bool color);

/// A message of a mailbox: "message from <pid>: VALUE", "down <pid>: why", "undelivered to <pid>:
/// why"; a value that is longer than `width` in several lines. Without a line end.
std::string message_text(const Message& message, std::size_t width = 80);
Value message_json(const Message& message);

/// A piece of what a task wrote, as --json shows it.
Value output_json(const OutputChunk& chunk);

/// How a process ended whose kDown gave this reason: OK when it ended by itself.
Status end_status(std::string_view reason);

}  // namespace kvmesh::command
