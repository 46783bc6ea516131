#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/scenario/mesh.h"

namespace kvmesh::scenario {

/// Runs the commands of one story on its mesh. README.md lists them.
class Commands {
 public:
  /// What the command made happen, a line each. A line that begins with "??" is a mistake of the
  /// story or the core.
  std::string run(std::string_view line);

 private:
  using Words = std::vector<std::string>;
  struct Command {
    std::string_view name;
    std::size_t words_min;  // after the name
    void (Commands::*run)(const Words&);
  };
  static const Command kCommands[];

  void node(const Words& w);
  void chain(const Words& w);
  void table(const Words& w);
  void peers(const Words& w);
  void connect(const Words& w);
  void ask(const Words& w);
  void run_all(const Words& w);
  void step(const Words& w);
  void wait(const Words& w);
  void down(const Words& w);
  void drain(const Words& w);
  void slow(const Words& w);
  void hold(const Words& w);
  void flush(const Words& w);
  void unsent(const Words& w);
  void kill(const Words& w);
  void duplicate(const Words& w);
  void forge(const Words& w);
  void begin(const Words& w);
  void complete(const Words& w);
  void stop(const Words& w);
  void counters(const Words& w);

  Node* known(std::string_view name);
  NodeName parse_name(std::string_view text);
  std::uint64_t parse_number(std::string_view text);
  StatusCode parse_code(std::string_view text);

  Mesh mesh_;
};

}  // namespace kvmesh::scenario
