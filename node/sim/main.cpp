// kvmesh-sim: the mesh in a box, what `kvmesh sim` runs. Exit status: 0 every promise was kept, 1
// one was broken, 2 wrong usage or configuration.
#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/command_line/completion.h"
#include "common/number.h"
#include "common/standard_descriptors.h"
#include "common/text.h"
#include "node/sim/options.h"
#include "node/sim/report.h"
#include "node/sim/scenario.h"
#include "node/sim/shrink.h"
#include "node/sim/simulation.h"
#include "node/sim/story.h"

namespace kvmesh::sim {
namespace {

constexpr std::uint32_t kLevelsMax = 8;
constexpr std::uint64_t kUintMax = std::numeric_limits<std::uint32_t>::max();

// One of the words of `values`. What is added last is asked first: so a word that is none of them
// is told with all that are.
template <typename Value>
CLI::Option* choose(CLI::Option* option, const std::map<std::string, Value>& values) {
  return option->transform(CLI::Transformer(values).description(""))
      ->transform(CLI::IsMember(values));
}

CLI::Validator whole_number(std::uint64_t min, std::uint64_t max) {
  return {[min, max](std::string& text) { return whole_number_fault(text, min, max); }, ""};
}

void add_options(CLI::App& app, RunOptions& options, bool& no_shrink) {
  app.add_option("CONFIG", options.configurations,
                 "Configurations of the nodes: files, or directories of .toml files");
  app.add_option("--seed", options.seed, "Which run; the same seed gives the same run")
      ->type_name("N")
      ->check(whole_number(0, std::numeric_limits<std::uint64_t>::max()));
  app.add_option("--runs", options.runs, "So many runs, with seeds that follow one another")
      ->type_name("N")
      ->check(whole_number(1, kUintMax));
  app.add_option("--nodes", options.nodes, "Without CONFIG: make up a mesh of so many nodes")
      ->type_name("N")
      ->check(whole_number(1, 100000));
  app.add_option("--levels", options.levels, "How often a range is split on the way (1 to 8)")
      ->type_name("N")
      ->check(whole_number(1, kLevelsMax));
  const std::map<std::string, RunOptions::Shape> shapes = {{"tree", RunOptions::Shape::kTree},
                                                           {"chain", RunOptions::Shape::kChain},
                                                           {"random", RunOptions::Shape::kRandom}};
  auto* shape = app.add_option("--shape", options.shape, "tree: delegation; random: any tables");
  choose(shape, shapes)->type_name("SHAPE");
  app.add_option("--requests", options.requests, "How many requests; 2000 unless said otherwise")
      ->type_name("N")
      ->check(whole_number(0, kUintMax));
  app.add_option_function<std::string>(
         "--duration",
         [&options](const std::string& text) {
           const auto time = parse_time(text);
           if (!time) throw CLI::ValidationError("--duration", time.status().text());
           options.duration = *time;
         },
         "Simulated time over which they are spread, such as 20s")
      ->type_name("TIME");
  const std::map<std::string, Trouble> troubles = {
      {"none", Trouble::kNone}, {"some", Trouble::kSome}, {"many", Trouble::kMany}};
  auto* trouble = app.add_option("--faults", options.trouble,
                                 "How much goes wrong; some unless said otherwise");
  choose(trouble, troubles)->type_name("HOW");
  app.add_option("--scenario", options.scenario, "What goes wrong, and when, instead of --faults")
      ->type_name("FILE");
  app.add_flag("--no-shrink", no_shrink, "Do not look for the smallest run that fails as well");
  app.add_flag("--quiet", options.quiet, "Say nothing of runs in which every promise is kept");
}

void report_shrunk(const Plan& plan, const Violation& violation) {
  std::cout << "looking for a small run that breaks the same promise ...\n" << std::flush;
  const auto shrunk = shrink(plan, violation.check);
  StoryWriter writer{shrunk.plan};
  const auto outcome = run(shrunk.plan, &writer);
  std::cout << "after " << shrunk.runs << " runs: " << plan_text(shrunk.plan) << "\n"
            << violations_text(outcome.violations) << "\n";
  const auto story = outcome.violations.any()
                         ? writer.story(std::string{outcome.violations.found()[0].check} + ": " +
                                        outcome.violations.found()[0].text)
                         : std::nullopt;
  if (story) {
    std::cout << "As a story (tests/scenario/README.md):\n\n" << *story << "\n";
  }
  std::cout << (story ? "The same run" : "As no story can tell it, the run")
            << " as a scenario; kvmesh sim --scenario FILE plays it:\n\n"
            << write_scenario(shrunk.plan);
}

// Whether every promise was kept.
bool run_one(const RunOptions& options, const Plan& plan) {
  if (!options.quiet) std::cout << plan_text(plan) << "\n" << std::flush;
  const auto outcome = run(plan);
  if (!outcome.violations.any()) {
    if (!options.quiet) std::cout << result_text(outcome) << "every promise was kept\n";
    return true;
  }
  std::cout << "seed " << plan.seed << " breaks a promise:\n"
            << violations_text(outcome.violations) << result_text(outcome);
  if (options.shrink) report_shrunk(plan, outcome.violations.found()[0]);
  return false;
}

void report_cost(std::chrono::steady_clock::time_point began) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("(%.1f s and %ld MiB of this machine)\n", took.count(), usage.ru_maxrss / 1024);
}

int run_all(const RunOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  std::cout << "seed " << options.seed;
  if (options.runs > 1) std::cout << " to " << options.seed + options.runs - 1;
  std::cout << "\n" << std::flush;
  for (std::uint32_t i = 0; i < options.runs; ++i) {
    std::vector<std::string> notes;
    const auto plan = make_plan(options, options.seed + i, notes);
    if (!plan) {
      std::cerr << plan.status().text() << "\n";
      return 2;
    }
    if (i == 0) {
      for (const auto& note : notes) std::cout << "note: " << note << "\n";
    }
    if (!run_one(options, *plan)) return 1;
  }
  if (options.runs > 1) std::cout << options.runs << " runs: every promise was kept\n";
  std::cout << std::flush;
  report_cost(began);
  return 0;
}

int run_program(int argc, char** argv) {
  RunOptions options;
  bool no_shrink = false;
  CLI::App app{
      "Runs a mesh of nodes in one process, with simulated time, network and faults, and checks "
      "that it keeps its promises."};
  app.name("kvmesh sim");
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return "kvmesh: sim: " + printable(error.what()) + "\nkvmesh sim --help says more.\n";
  });
  app.set_version_flag("--version", "kvmesh-sim " KVMESH_VERSION);
  app.footer(
      "Exit status: 0 every promise was kept; 1 one was broken; 2 wrong usage or configuration.");
  add_options(app, options, no_shrink);
  if (argc > 1 && argv[1] == command_line::kCompleteCommand) {
    const std::vector<std::string> words{argv + 2, argv + argc};
    std::cout << command_line::candidates_text(command_line::complete(app, words)) << std::flush;
    return 0;
  }
  try {
    app.parse(argc, argv);
    if (options.nodes != 0 && options.shape == RunOptions::Shape::kTree &&
        options.nodes <= options.levels) {
      throw CLI::ValidationError("--nodes", "a tree needs more nodes than levels");
    }
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  options.shrink = !no_shrink;
  if (app.count("--seed") == 0) options.seed = std::random_device{}();
  return run_all(options);
}

}  // namespace
}  // namespace kvmesh::sim

int main(int argc, char** argv) {
  kvmesh::open_standard_descriptors();
  const int exit_status = kvmesh::sim::run_program(argc, argv);
  const auto printed = kvmesh::write_standard_output();
  if (printed.ok()) return exit_status;
  std::cerr << printed.text() << "\n";
  return exit_status == 0 ? 2 : exit_status;
}
