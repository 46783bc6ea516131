// Gives files to a fuzz target, each once: the corpus as a test, or an input that a fuzzer found.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it so
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

// The files that the arguments name, and those in directories that they name, in order.
std::vector<fs::path> files_of(const std::vector<std::string>& arguments) {
  std::vector<fs::path> files;
  for (const fs::path path : arguments) {
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(path)) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

int main(int count, char** arguments) try {
  const auto files = files_of({arguments + 1, arguments + count});
  for (const auto& file : files) {
    std::ifstream in{file, std::ios::binary};
    if (!in) {
      std::fprintf(stderr, "cannot read %s\n", file.c_str());
      return 1;
    }
    // Just as large as it is, so that AddressSanitizer sees a read past its end.
    const std::vector<char> read{std::istreambuf_iterator<char>{in}, {}};
    const std::vector<std::uint8_t> input{read.begin(), read.end()};
    std::fprintf(stderr, "%s\n", file.c_str());  // the last one is the one that failed
    (void)LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::printf("replayed %zu inputs\n", files.size());
  if (files.empty()) std::fprintf(stderr, "no inputs; usage: %s FILE|DIRECTORY...\n", arguments[0]);
  return files.empty() ? 1 : 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
