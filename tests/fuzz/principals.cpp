// Files of principals: any text is taken or refused with reasons, the same twice; what is taken
// finds each principal by its keys, unless they are revoked.

#include <string>

#include "common/security/principals.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/input.h"

namespace kvmesh::fuzz {
namespace {

using security::Principals;

void check_taken(const Principals& all) {
  for (const auto& [name, one] : all.all()) {
    check(all.find(name) == &one && one.name == name, "a principal is found by its name");
    check(one.is_node == (name.find('@') != std::string::npos), "names tell nodes from users");
    check(!one.is_node || !one.rights.may_administer(), "no node administers");
    for (const auto& key : one.keys) {
      check(all.by_key(key) == (all.is_revoked(key) ? nullptr : &one), "a key is one's own");
    }
    for (const auto& pin : one.certificates) {
      check(all.by_certificate(pin) == &one, "so is a certificate");
    }
  }
}

}  // namespace
}  // namespace kvmesh::fuzz

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it so
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kvmesh::fuzz;
  const auto text = as_bytes(data, size);
  kvmesh::config::Faults warnings;
  kvmesh::config::Faults again;
  const auto one = kvmesh::security::Principals::parse(text, "security.toml", warnings);
  const auto other = kvmesh::security::Principals::parse(text, "security.toml", again);
  check(one.ok() == other.ok() && one.status() == other.status(), "twice the same");
  if (!one) {
    check_faults(one.status().text());
    return 0;
  }
  check(warnings.lines() == again.lines(), "twice the same warnings");
  check_taken(**one);
  return 0;
}
