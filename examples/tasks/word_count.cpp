// Counts the words of a text with the whole mesh: each piece goes to the node that the routing
// tables give it to, all are counted at the same time, and the results are added up here.
//
//   word_count serve CONFIG          on every node
//   word_count ENDPOINT FILE
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "example.h"

namespace {

using Counts = std::map<std::string, std::int64_t>;

constexpr std::size_t kPieceBytes = 256;  // about; a real job takes megabytes
constexpr std::size_t kShown = 5;

// What runs on the nodes. The result says where that was.
std::pair<std::string, Counts> count(kvmesh::Task& self, const std::string& text) {
  Counts counts;
  std::string word;
  for (const char c : text + ' ') {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalpha(byte) != 0) {
      word += static_cast<char>(std::tolower(byte));
    } else if (!word.empty()) {
      ++counts[std::exchange(word, {})];
    }
  }
  return {self.self().node, counts};
}

// Pieces of whole lines.
std::vector<std::string> split(std::istream& text) {
  std::vector<std::string> pieces;
  for (std::string line; std::getline(text, line);) {
    if (pieces.empty() || pieces.back().size() >= kPieceBytes) pieces.emplace_back();
    pieces.back() += line + '\n';
  }
  return pieces;
}

// The piece's first word, by which it is routed, as if it were a bucket's name.
std::string name_of(const std::string& piece) {
  std::string name;
  std::istringstream{piece} >> name;
  return name.empty() ? "-" : name;
}

void print_most_frequent(const Counts& total) {
  std::vector<std::pair<std::int64_t, std::string>> order;
  for (const auto& [word, times] : total) order.emplace_back(-times, word);
  std::sort(order.begin(), order.end());
  if (order.size() > kShown) order.resize(kShown);
  for (const auto& [times, word] : order) std::cout << word << ' ' << -times << '\n';
}

bool ask(kvmesh::Mesh& mesh, char** arguments) {
  std::ifstream file{arguments[0]};
  const auto pieces = split(file);
  if (pieces.empty()) {
    std::cerr << "word_count: " << arguments[0] << " cannot be read, or is empty\n";
    return false;
  }
  std::vector<kvmesh::Async<std::pair<std::string, Counts>>> tasks;
  tasks.reserve(pieces.size());
  for (const auto& piece : pieces) {
    tasks.push_back(
        mesh.async_route<std::pair<std::string, Counts>>(name_of(piece), "words.count", piece));
  }
  Counts total;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const auto counted = tasks[i].await();
    std::cout << "piece " << i + 1 << " of " << tasks.size() << " (" << name_of(pieces[i]) << "): ";
    if (!counted) {
      std::cout << counted.status().to_string() << '\n';
      return false;
    }
    const auto& [node, counts] = *counted;
    std::cout << counts.size() << " different words, counted by " << node << '\n';
    for (const auto& [word, times] : counts) total[word] += times;
  }
  print_most_frequent(total);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  kvmesh::Module module{"words"};
  module.define("count", count);
  return example::run(argc, argv, module, 1, ask);
}
