#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace kvmesh::command::shell {

/// Where the shell's lines come from.
class Lines {
 public:
  enum class Got : std::uint8_t { kLine, kInterrupt, kEnd };

  virtual ~Lines() = default;
  /// The next line, without its end.
  virtual Got next(const std::string& prompt, std::string& line) = 0;
};

/// The lines of standard input, without a prompt.
class PlainLines final : public Lines {
 public:
  ~PlainLines() override;
  Got next(const std::string& prompt, std::string& line) override;

 private:
  char* buffer_ = nullptr;  // of getline()
  std::size_t size_ = 0;
};

}  // namespace kvmesh::command::shell
