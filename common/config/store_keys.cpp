#include "common/config/store_keys.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "common/config/key_kinds.h"
#include "common/text.h"

namespace kvmesh::config {
namespace {

constexpr std::int64_t kMemoryMin = 4096;
constexpr std::int64_t kMemoryMax = std::int64_t{1} << 50;

KeySpec durability_key() {
  KeySpec spec = plain(
      "kv.durability", "",
      "When a change counts as stored, with a state_dir. `always`: when it is on the disk, so "
      "that nothing that was acknowledged is ever lost. `everysec`: when the system has it; the "
      "disk has it a second later, so a crash of the machine may lose that second, and one of the "
      "node nothing. `none`: nothing is kept.");
  spec.range = "always, everysec, none";
  return string_key(
      std::move(spec), "durability = \"always\"",
      {[](Settings& settings, const std::string& text) {
         const auto durability = parse_durability(text);
         if (durability) settings.kv.durability = *durability;
         return durability
                    ? Status{}
                    : Status{StatusCode::kInvalidArgument, in_quotes(text) +
                                                               " is none of them; write always, "
                                                               "everysec or none"};
       },
       [](const Settings& settings) { return std::string{to_string(settings.kv.durability)}; }});
}

KeySpec reads_key() {
  KeySpec spec = plain(
      "kv.reads", "",
      "What a read may show, with a state_dir. `durable`: only what no crash takes back; a read "
      "of what was changed just now waits until that is stored. `undurable`: what is in memory, "
      "at once.");
  spec.range = "durable, undurable";
  return string_key(std::move(spec), "reads = \"durable\"",
                    {[](Settings& settings, const std::string& text) {
                       settings.kv.undurable_reads = text == "undurable";
                       if (text == "durable" || text == "undurable") return Status{};
                       return Status{
                           StatusCode::kInvalidArgument,
                           in_quotes(text) + " is neither of them; write durable or undurable"};
                     },
                     [](const Settings& settings) {
                       return std::string{settings.kv.undurable_reads ? "undurable" : "durable"};
                     }});
}

}  // namespace

KeySpec state_dir_key() {
  return path_key(
      plain("state_dir", "",
            "The folder in which the node keeps its buckets, so that they outlive it; made when it "
            "is not there, its parent must be. No two nodes may share one. A relative path starts "
            "at the folder of the file that names it; one of the environment or `--set`, at the "
            "working directory. Without this key nothing outlives the node."),
      "state_dir = \"/var/lib/kvmesh/foo\"", "folder",
      [](Settings& settings) -> std::string& { return settings.state_dir; });
}

std::vector<KeySpec> store_keys() {
  std::vector<KeySpec> out;
  out.push_back(size_key(
      plain("kv.memory_max", "", "Memory of the store; puts beyond it get `full`."), kMemoryMin,
      kMemoryMax, [](Settings& s) -> std::size_t& { return s.kv.memory_max; }));
  out.push_back(durability_key());
  out.push_back(reads_key());
  return out;
}

}  // namespace kvmesh::config
