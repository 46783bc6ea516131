#include "node/tasks/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>

#include "common/text.h"
#include "common/wire/pack.h"
#include "common/wire/value_codec.h"
#include "node/tasks/nesting.h"
#include "node/tasks/vain_patterns.h"

namespace kvmesh::tasks {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

void nothing() {}

struct State {};

Module with_server(const char* module, const char* server) {
  Module out{module};
  out.server<State>(server);
  return out;
}

TEST(Catalogue, ListsAFunctionWithItsLineOfText) {
  Catalogue catalogue;
  ASSERT_EQ(catalogue.add(Module{"a"}.define("y", "Says nothing.", nothing).define("z", nothing)),
            Status{});
  wire::Buffer out;
  catalogue.list(out, [](std::string_view) { return true; });
  EXPECT_EQ(wire::unpack_value(out.view())->to_json(),
            R"([["a.y","",0,"Says nothing."],["a.z","",0]])");
}

TEST(Catalogue, FindsTheFunctionsOfAllModules) {
  Catalogue catalogue;
  EXPECT_TRUE(catalogue.empty());
  ASSERT_EQ(catalogue.add(Module{"b"}.define("x", nothing)), Status{});
  ASSERT_EQ(catalogue.add(Module{"a"}.define("y", [](std::int64_t, bool) {})), Status{});
  EXPECT_EQ(catalogue.at(*catalogue.find("a.y")).name, "a.y");
  EXPECT_FALSE(catalogue.find("a.x"));
  wire::Buffer out;
  catalogue.list(out, [](std::string_view) { return true; });
  EXPECT_EQ(wire::unpack_value(out.view())->to_json(), R"([["a.y","int, bool",2],["b.x","",0]])");
}

TEST(Catalogue, RefusesWhatIsWrongOrTakenAndAddsNothing) {
  Catalogue catalogue;
  ASSERT_EQ(catalogue.add(with_server("a", "s")), Status{});
  const auto wrong = catalogue.add(Module{"b"}.define("No", nothing).define("x", nothing));
  EXPECT_EQ(wrong.code(), StatusCode::kInvalidArgument);
  EXPECT_FALSE(catalogue.find("b.x"));
  EXPECT_THAT(catalogue.add(Module{"a"}).text(), HasSubstr("module \"a\" is loaded already"));
  EXPECT_THAT(catalogue.add(with_server("b", "s")).text(),
              HasSubstr("server \"s\" is there already, of the module a"));
}

TEST(Catalogue, UndefinedNamesTheNearest) {
  Catalogue catalogue;
  EXPECT_EQ(catalogue.undefined("foo@localhost", "a.b", 1).text(),
            "foo@localhost has no function \"a.b\", which was to be called with 1 argument; no "
            "module is loaded there");
  Module module{"hello"};
  for (const char* name : {"world", "word", "goodbye", "far_away"}) module.define(name, nothing);
  ASSERT_EQ(catalogue.add(module), Status{});
  EXPECT_EQ(catalogue.undefined("foo@localhost", "hello.worl", 0),
            Status(StatusCode::kUndefinedFunction,
                   "foo@localhost has no function \"hello.worl\", which was to be called with 0 "
                   "arguments; the nearest of its 4 functions: hello.word(), hello.world(), "
                   "hello.goodbye()"));
}

TEST(Catalogue, SaysHowWhatItHasIsCalled) {
  Catalogue catalogue;
  ASSERT_EQ(catalogue.add(with_server("a", "s").define("x", nothing)), Status{});
  EXPECT_THAT(catalogue.how_to_call("a.x"), HasSubstr("call it with task.run"));
  EXPECT_THAT(catalogue.how_to_call("s.add"), HasSubstr("for the server \"s\"; call it with "));
  for (const char* unknown : {"a.y", "s", "", ".", "a", "t.add"}) {
    EXPECT_EQ(catalogue.how_to_call(unknown), "") << unknown;
  }
}

struct Counting {
  std::int64_t add(std::int64_t amount) { return amount; }
  void reset() {}
};

class OfAServer : public testing::Test {
 protected:
  OfAServer() {
    Module module{"m"};
    module.server<Counting>("counter")
        .call("add", &Counting::add)
        .cast("reset", "Begins at 0.", &Counting::reset);
    EXPECT_EQ(catalogue_.add(std::move(module)), Status{});
  }
  std::string told(std::string_view function, const Value::List& args = {}) const {
    wire::Buffer packed;
    EXPECT_TRUE(wire::pack_value(packed, args).ok());
    auto text = catalogue_.undefined("foo@h", function, args.size(), packed.view()).text();
    return text.substr(text.find("; ") + 2);
  }
  Catalogue catalogue_;
};

TEST_F(OfAServer, AFunctionThatIsCalledAsAModulesIsToldHowToCallIt) {
  EXPECT_EQ(told("counter.add", {1}),
            "counter is a server; call it with: kvmesh server foo@h counter add 1");
  EXPECT_EQ(told("counter.reset"),
            "counter is a server; call it with: kvmesh server --cast foo@h counter reset");
  EXPECT_EQ(told("counter.sub"),
            "counter is a server, and has no function \"sub\"; its calls: add; its casts: reset");
  EXPECT_EQ(told("counter"), "counter is a server; its calls: add; its casts: reset");
  EXPECT_EQ(told("contour.add"), "its modules have servers only");
}

TEST_F(OfAServer, ArgumentsAreWordsForAShellAndAreThoseThatWereGiven) {
  const Value::List args{-1,      "milk", "two words",        "it's", "5", "true",
                         Value{}, 2.5,    Value::List{1, "a"}};
  EXPECT_EQ(told("counter.add", args),
            "counter is a server; call it with: kvmesh server foo@h counter add -1 milk "
            R"('"two words"' '"it'\''s"' '"5"' '"true"' nil 2.5 '[1,"a"]')");
  EXPECT_THAT(told("counter.add", {std::string(300, 'x')}), EndsWith("counter add ARGS..."));
}

TEST_F(OfAServer, ServersAreListedWithWhatMayBeSeenOfThem) {
  const auto listed = [&](const std::string& seen) {
    wire::Buffer out;
    catalogue_.list_servers(out,
                            [&](std::string_view right) { return seen == "*" || right == seen; });
    return wire::unpack_value(out.view())->to_json();
  };
  EXPECT_EQ(listed("*"), R"([["counter",[["add","int",1]],[["reset","",0,"Begins at 0."]]]])");
  EXPECT_EQ(listed("counter.reset"), R"([["counter",[],[["reset","",0,"Begins at 0."]]]])");
  EXPECT_EQ(listed("another"), "[]");
}

TEST(EditDistance, CountsWhatMustChange) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("ab", "ba"), 2U);
}

std::string nested(std::size_t depth) { return std::string(depth, '\x91') + "\x01"; }

TEST(Nesting, LeavesRoomForWhatIsAround) {
  EXPECT_EQ(check_nesting(nested(0), 2), Status{});
  EXPECT_EQ(check_nesting(nested(limits::kNestingMax - 1), 1), Status{});
  EXPECT_EQ(check_nesting(nested(limits::kNestingMax), 1).code(), StatusCode::kTooLarge);
  EXPECT_EQ(check_nesting(nested(limits::kNestingMax - 2), 2), Status{});
  EXPECT_EQ(check_nesting(nested(limits::kNestingMax - 1), 2).code(), StatusCode::kTooLarge);
  const auto list = [](std::uint32_t items) {
    wire::Buffer out;
    out.put_u32(wire::pack_open_array(out), items);
    return std::string{out.view()} + std::string(items, '\x01');
  };
  EXPECT_EQ(check_nesting(list(limits::kValueItemsMax - 64), 1), Status{});
  EXPECT_EQ(check_nesting(list(limits::kValueItemsMax - 63), 1).code(), StatusCode::kTooLarge);
}

TEST(Nesting, AMessageIsWhatAValueCanHold) {
  EXPECT_EQ(check_message("\xc0"), Status{});
  EXPECT_EQ(check_message("\x81\xa1"
                          "a\x01"),
            Status{});
  EXPECT_EQ(check_message("\x81\x01\x01").code(), StatusCode::kInvalidArgument);  // no text as key
  EXPECT_EQ(check_message("\xd4\x01\x01").code(), StatusCode::kInvalidArgument);  // extension type
  EXPECT_EQ(check_message("\x91\xd4\x01\x01").code(), StatusCode::kInvalidArgument);
}

using Texts = std::vector<std::string>;

Texts vain(const Catalogue& catalogue, const Texts& patterns) {
  return vain_patterns(*Allowed::parse(patterns), "foo.toml:3", catalogue);
}

TEST(VainPatterns, AreThoseOfNothingThatIsLoaded) {
  struct Stock {
    void sell() {}
  };
  Catalogue catalogue;
  Module shop{"shop"};
  shop.define("greet", nothing);
  shop.server<Stock>("stock").call("sell", &Stock::sell);
  ASSERT_EQ(catalogue.add(std::move(shop)), Status{});
  EXPECT_EQ(vain(catalogue, {"*", "shop.greet", "shop.*", "stock.*", "stock.sell"}), Texts{});
  EXPECT_EQ(vain_patterns(Allowed{}, "", catalogue), Texts{});
  EXPECT_EQ(vain(catalogue, {"shop.greett"}),
            Texts{"foo.toml:3: tasks.allow: \"shop.greett\" allows nothing, as no loaded function "
                  "has that name; did you mean \"shop.greet\"?"});
  EXPECT_EQ(
      vain(catalogue, {"stok.*"}),
      Texts{"foo.toml:3: tasks.allow: \"stok.*\" allows nothing, as no loaded module or server "
            "has that name; did you mean \"stock.*\"?"});
  EXPECT_EQ(vain(catalogue, {"payments.*"}),
            Texts{"foo.toml:3: tasks.allow: \"payments.*\" allows nothing, as no loaded module or "
                  "server has that name; there is \"shop.*\", \"stock.*\""});
  EXPECT_THAT(vain(Catalogue{}, {"shop.*"}).at(0), EndsWith("; no module is loaded; the setting "
                                                            "\"modules\" says what to load"));
}

}  // namespace
}  // namespace kvmesh::tasks
