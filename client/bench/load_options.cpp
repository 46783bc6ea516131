#include "client/bench/load_options.h"

#include "client/command/base/numbers.h"
#include "client/command/base/program.h"

namespace kvmesh::bench {
namespace {

void add_workload_options(CLI::App& app, WorkloadOptions& workload) {
  app.add_option("--buckets", workload.buckets, "Number of buckets")
      ->check(command::whole_number(1, 1U << 28U))
      ->capture_default_str();
  app.add_option("--keys", workload.keys, "Number of keys in each bucket")
      ->check(command::whole_number(1, 1U << 31U))
      ->capture_default_str();
  app.add_option_function<double>(
         "--writes", [&workload](double percent) { workload.writes = percent / 100; },
         "Part of the requests that are puts, in percent")
      ->check(command::decimal_number(0, 100))
      ->default_str("50");
  app.add_option("--value-bytes", workload.value_bytes, "Size of the values")
      ->check(command::whole_number(1, limits::kValueBytesMax))
      ->capture_default_str();
  app.add_option_function<double>(
         "--zipf", [&workload](double exponent) { workload.zipf = exponent; },
         "Choose keys by Zipf's law with this exponent (0.99 is usual) instead of evenly")
      ->check(command::decimal_number(0.01, 10))
      ->type_name("EXPONENT");
  app.add_option("--prefix", workload.prefix, "What the buckets' names begin with, for their route")
      ->check(CLI::Validator(
          [](std::string& text) {
            const bool plain = !text.empty() && text.size() <= 64 &&
                               text.find_first_of(" \t\r\n\v\f") == std::string::npos;
            return plain ? std::string{} : std::string{"1 to 64 bytes without white space"};
          },
          ""))
      ->type_name("PREFIX")
      ->capture_default_str();
  app.add_option("--seed", workload.seed, "The same seed gives the same requests")
      ->check(command::whole_number())
      ->capture_default_str();
}

}  // namespace

void add_load_options(CLI::App& app, LoadOptions& options,
                      const std::vector<std::string>& protocols) {
  app.add_option("--protocol", options.protocol, "What to speak")
      ->check(CLI::IsMember(protocols))
      ->capture_default_str();
  auto* tls = app.add_flag("--tls", options.tls,
                           "Speak TLS, of the line protocol; whoever answers is believed");
  app.add_option(
         "--tls-ca", options.tls_ca,
         "File with certificates of authorities, in PEM: one must have signed the server's, "
         "and that must be made out to the host")
      ->needs(tls)
      ->type_name("FILE");
  app.add_option("-c,--connections", options.connections, "Number of connections")
      ->check(command::whole_number(1, 20000))
      ->capture_default_str();
  app.add_option("-d,--depth", options.pace.depth,
                 "Unanswered requests of each connection, at most")
      ->check(command::whole_number(1, 65536))
      ->capture_default_str();
  command::add_duration(app, "--duration", options.pace.duration, "How long to measure (5s)");
  command::add_duration(app, "--warmup", options.pace.warmup,
                        "How long to run before, uncounted (none)");
  command::add_duration(
      app, "--patience", options.pace.silence_max,
      "End when replies are missing and none came, on any connection, for so long (10s)");
  app.add_option_function<std::uint64_t>(
         "-n,--count", [&options](std::uint64_t count) { options.pace.count = count; },
         "Measure so many requests instead of a duration")
      ->check(command::whole_number(1));
  app.add_option_function<double>(
         "--rate", [&options](double rate) { options.pace.rate = rate; },
         "Send so many requests a second, however fast replies come; latencies then count from "
         "when a request should have left")
      ->check(command::decimal_number(0.1, 1e8));
  add_workload_options(app, options.workload);
  app.add_flag("!--no-load", options.load, "Do not put every key before measuring");
  app.add_flag("--keep-going", options.pace.keep_going,
               "Count requests that fail, by their codes, instead of ending at the first");
  app.add_flag("--drop", options.drop, "Drop the buckets at the end, whatever was in them");
}

}  // namespace kvmesh::bench
