#pragma once

#include <kvmesh/mesh.h>

#include <string>

#include "client/command/base/session.h"

/// Named servers, and permanent tasks, called, sent to and restarted for the user at the terminal.
/// Each prints and gives an exit status. An empty node is the connected one.
namespace kvmesh::command {

struct ServerCall {
  ServerName server;
  std::string function;
  Value::List args;
  bool cast = false;  // nobody waits for a result
};

/// Prints the result; of a cast nothing.
int run_server(Session& session, Mesh& mesh, ServerCall call);

/// Starts it anew, also when it was given up or has ended, and prints its pid. One that runs is
/// told to stop first; that is what is printed then.
int restart_server(const Session& session, Mesh& mesh, const ServerName& server);

/// Sends one message and says whether it arrived. `from`: the text of the pid that can be answered,
/// or nil.
int send_to_server(const Session& session, Mesh& mesh, const ServerName& to, Value from,
                   Value value);

}  // namespace kvmesh::command
