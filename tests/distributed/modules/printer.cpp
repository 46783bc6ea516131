// The module `printer` for the tests of the shell: a process that writes when a test says so.

#include <kvmesh/plugin.h>

#include <chrono>

#include <kvmesh/module.h>

namespace {

// Writes each message that is a text, as it is, until the first that is none.
void write_messages(kvmesh::Task& self) {
  while (true) {
    const auto message = self.receive(std::chrono::hours{1});
    const auto* text = message ? message->body.bytes_or_text() : nullptr;
    if (text == nullptr) return;
    self.write(*text);
  }
}

kvmesh::Module make() {
  kvmesh::Module printer{"printer"};
  printer.define("write_messages", write_messages);
  return printer;
}

}  // namespace

KVMESH_MODULE(make)
