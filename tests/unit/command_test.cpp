// What a line of the line protocol asks for, and the request that comes out of it.

#include "node/line/command.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include <kvmesh/limits.h>

#include "common/wire/reader.h"
#include "common/wire/record.h"

namespace kvmesh::line {
namespace {

using namespace std::string_literals;       // NOLINT(google-build-using-namespace)
using namespace std::string_view_literals;  // NOLINT(google-build-using-namespace)

struct Form {
  std::string word;
  Verb verb;
  std::size_t words_min;
  std::size_t words_max;
  std::string function;
};

const std::vector<Form> kForms = {
    {"CREATE", Verb::kCreate, 2, 2, "kv.create"},
    {"PUT", Verb::kPut, 4, 4, "kv.put"},
    {"GET", Verb::kGet, 3, 3, "kv.get"},
    {"DELETE", Verb::kDelete, 3, 3, "kv.delete"},
    {"DROP", Verb::kDrop, 2, 2, "kv.drop"},
    {"KEYS", Verb::kKeys, 2, 3, "kv.keys"},
    {"ROUTE", Verb::kRoute, 2, 2, "node.name"},
    {"WHOAMI", Verb::kWhoAmI, 1, 1, ""},
    {"PING", Verb::kPing, 1, 1, ""},
    {"HELP", Verb::kHelp, 1, 1, ""},
    {"QUIT", Verb::kQuit, 1, 1, ""},
};

auto parts(const Command& c) { return std::tuple{c.verb, c.bucket, c.key, c.value}; }
auto parts(std::string_view line) { return parts(parse_command(line)); }

TEST(Command, EveryVerbTakesItsNumberOfWordsAndNoOther) {
  const std::vector<std::string> words = {"b", "k", "v", "more", "most"};
  for (const auto& form : kForms) {
    std::string line = form.word;
    for (std::size_t count = 1; count <= words.size() + 1; ++count) {
      const auto command = parse_command(line);
      const bool good = count >= form.words_min && count <= form.words_max;
      EXPECT_EQ(command.verb, good ? form.verb : Verb::kUnknown) << line;
      EXPECT_EQ(command.bucket, good && count > 1 ? "b" : "") << line;
      EXPECT_EQ(command.key, good && count > 2 ? "k" : "") << line;
      EXPECT_EQ(command.value, good && count > 3 ? "v" : "") << line;
      EXPECT_EQ(command.is_request(), good && !form.function.empty()) << line;
      if (count <= words.size()) line += " " + words[count - 1];
    }
  }
}

TEST(Command, OnlyTheExactWordInCapitalsIsAVerb) {
  for (const auto& form : kForms) {
    std::string small = form.word;
    for (char& c : small) c = static_cast<char>(c | 0x20);
    std::string arguments;
    for (std::size_t i = 1; i < form.words_min; ++i) arguments += " x";
    EXPECT_EQ(parse_command(form.word + arguments).verb, form.verb);
    for (const auto& word : {small, form.word + "S", form.word.substr(1), "\""s + form.word,
                             form.word + "\0"s, "\xef\xbb\xbf"s + form.word}) {
      EXPECT_EQ(parse_command(word + arguments).verb, Verb::kUnknown) << word;
    }
  }
  for (const auto& line : {""s, " "s, "\t\v\f\r"s, "\0"s, "b"s}) {
    EXPECT_EQ(parse_command(line).verb, Verb::kUnknown);
  }
}

TEST(Command, AnyRunOfWhiteSpaceParts) {
  const auto plain = parts("PUT b k v");
  EXPECT_EQ(plain, (std::tuple{Verb::kPut, "b"sv, "k"sv, "v"sv}));
  for (const char space : " \t\v\f\r"s) {
    const std::string run(3, space);
    EXPECT_EQ(parts(run + "PUT" + run + "b " + run + "k" + run + "v" + run), plain);
  }
  EXPECT_EQ(parts("PUT \t b\v\fk\r  v"), plain);
  EXPECT_EQ(parse_command("PING \r").verb, Verb::kPing);
}

TEST(Command, AllOtherBytesBelongToTheWords) {
  for (int byte = 0; byte < 256; ++byte) {
    const auto c = static_cast<char>(byte);
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    const std::string word{'x', c, 'y'};
    EXPECT_EQ(
        parts("GET " + word + " k"),
        space ? parts("GET x y k") : (std::tuple{Verb::kGet, std::string_view{word}, "k"sv, ""sv}))
        << byte;
    if (space) continue;
    const std::string alone{c};
    EXPECT_EQ(parts("PUT " + alone + " " + alone + " " + alone),
              (std::tuple{Verb::kPut, std::string_view{alone}, std::string_view{alone},
                          std::string_view{alone}}))
        << byte;
  }
}

TEST(Command, KeysGoOnBehindAnyKey) {
  const auto key = [](std::string_view line) {
    const auto command = parse_command(line);
    return command.verb == Verb::kKeys && command.bucket == "b" ? std::string{command.key} : "?"s;
  };
  EXPECT_EQ(key("KEYS b AFTER two words"), "two words");
  EXPECT_EQ(key("KEYS b AFTER word"), "word");
  EXPECT_EQ(key(" KEYS\tb  AFTER  a\tb "), " a\tb ") << "one byte after AFTER, then the key";
  EXPECT_EQ(key("KEYS b AFTER  "), " ");
  EXPECT_EQ(key("KEYS b AFTER AFTER"), "AFTER");
  EXPECT_EQ(key("KEYS b AFTER"), "AFTER") << "a word as any other";
  EXPECT_EQ(key("KEYS b AFTER "), "AFTER");
  EXPECT_EQ(key("KEYS b after x"), "?");
  EXPECT_EQ(key("KEYS b x AFTER y"), "?");
}

// The function, and the arguments as text: bin as its bytes, nil as "nil".
std::vector<std::string> call_of(std::string_view line) {
  const auto command = parse_command(line);
  EXPECT_TRUE(command.is_request()) << line;
  std::array<ArgumentView, 2> words;
  const auto unpacked = to_request(command, words);
  wire::Buffer scratch;
  const auto request = wire::pack_request(scratch, unpacked);
  EXPECT_EQ(request.body.size(), wire::body_bytes(unpacked)) << line;
  EXPECT_EQ(request.target.kind, Target::Kind::kBucket);
  EXPECT_EQ(request.target.name, command.bucket);
  EXPECT_EQ(request.traced(), command.verb == Verb::kRoute);
  std::vector<std::string> out{std::string{request.function}};
  wire::Reader in{request.args};
  for (auto left = in.read_array(); left > 0; --left) {
    if (in.peek() == wire::Reader::Type::kNil) {
      in.read_nil();
      out.emplace_back("nil");
    } else if (in.peek() == wire::Reader::Type::kUnsigned) {
      out.push_back(std::to_string(in.read_uint()));
    } else {
      out.emplace_back(in.read_bin());
    }
  }
  EXPECT_FALSE(in.failed()) << line;
  EXPECT_TRUE(in.at_end()) << line;

  // What the adapter hands to the core is what a peer would decode.
  wire::Buffer record;
  wire::append_request(record, request, RequestId{1}, 5000, nullptr);
  const auto decoded = wire::decode_request(record.view(4));
  EXPECT_TRUE(decoded) << line;
  if (decoded) {
    EXPECT_EQ(decoded->body, request.body) << line;
  }
  return out;
}

TEST(Command, BecomesTheRequestOfItsFunction) {
  using Call = std::vector<std::string>;
  EXPECT_EQ(call_of("CREATE b"), (Call{"kv.create"}));
  EXPECT_EQ(call_of("DROP b"), (Call{"kv.drop"}));
  EXPECT_EQ(call_of("PUT b k v"), (Call{"kv.put", "k", "v"}));
  EXPECT_EQ(call_of("GET b k"), (Call{"kv.get", "k"}));
  EXPECT_EQ(call_of("DELETE b k"), (Call{"kv.delete", "k"}));
  EXPECT_EQ(call_of("KEYS b"), (Call{"kv.keys", "nil", "1000"}));
  EXPECT_EQ(call_of("KEYS b k"), (Call{"kv.keys", "k", "1000"}));
  EXPECT_EQ(call_of("ROUTE b"), (Call{"node.name"}));
  EXPECT_EQ(call_of("PUT \xff\0 \0 \xfe"s), (Call{"kv.put", "\0"s, "\xfe"}));
}

TEST(Command, TheLongestWordsFitALineAndARequest) {
  const std::string line = "PUT " + std::string(limits::kBucketNameBytesMax, 'b') + " " +
                           std::string(limits::kKeyBytesMax, 'k') + " " +
                           std::string(limits::kValueBytesMax, 'v');
  EXPECT_LE(line.size(), limits::kLineBytesMax);
  EXPECT_EQ(call_of(line)[2].size(), limits::kValueBytesMax);
}

}  // namespace
}  // namespace kvmesh::line
