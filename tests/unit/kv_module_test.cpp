// The functions of the module kv, called through a core over a store in memory.

#include "node/modules/kv_module.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include <kvmesh/limits.h>

#include "common/wire/reader.h"
#include "node/store/memory_engine.h"
#include "tests/unit/module_fixture.h"

namespace kvmesh::modules {
namespace {

using testing::HasSubstr;

constexpr std::size_t kMemory = std::size_t{64} << 20;

class KvModuleTest : public ModuleTest {
 protected:
  KvModuleTest() { kv_.define(modules_); }

  void finish(core::Core& core) override {
    while (kv_.pass(core, {})) {
    }
  }

  StatusCode create(std::string_view bucket) { return call(bucket, "kv.create", no_args).code; }
  Reply put(std::string_view bucket, const std::string& key, const std::string& value) {
    return call(bucket, "kv.put", bins({key, value}));
  }
  Reply get(std::string_view bucket, const std::string& key) {
    return call(bucket, "kv.get", bins({key}));
  }
  static std::string bin(std::string_view bytes) {
    return packed([&](wire::Buffer& out) { wire::pack_bin(out, bytes); });
  }

  struct Page {
    StatusCode code = StatusCode::kOk;
    std::string text;
    bool more = false;
    std::vector<std::string> names;
  };
  static Page page_of(const Reply& reply) {
    Page page{reply.code, reply.text, false, {}};
    if (reply.code != StatusCode::kOk) return page;
    wire::Reader in{reply.result};
    EXPECT_EQ(in.read_array(), 2U);
    page.more = in.read_bool();
    for (auto left = in.read_array(); left > 0; --left) page.names.emplace_back(in.read_bin());
    EXPECT_FALSE(in.failed());
    EXPECT_TRUE(in.at_end());
    return page;
  }
  static PackArgs page_args(const std::optional<std::string>& after, std::uint64_t limit) {
    return [=](wire::Buffer& out) {
      wire::pack_array(out, 2);
      after ? wire::pack_bin(out, *after) : wire::pack_nil(out);
      wire::pack_uint(out, limit);
    };
  }
  Page keys(const std::optional<std::string>& after, std::uint64_t limit) {
    return page_of(call("b", "kv.keys", page_args(after, limit)));
  }
  Page buckets(const std::optional<std::string>& after, std::uint64_t limit) {
    return page_of(call(Target{}, "kv.buckets", page_args(after, limit)));
  }

  // What the node itself holds: the target is a node, and the bucket an argument.
  static PackArgs here_args(const std::string& bucket, const std::string& function,
                            const PackArgs& inner) {
    return [=](wire::Buffer& out) {
      wire::pack_array(out, 3);
      wire::pack_bin(out, bucket);
      wire::pack_str(out, function);
      inner(out);
    };
  }

  store::MemoryEngine engine_{kMemory};
  KvModule kv_{engine_};
};

TEST_F(KvModuleTest, StoresReadsCountsAndRemoves) {
  EXPECT_EQ(create("b"), StatusCode::kOk);
  EXPECT_EQ(create("b"), StatusCode::kOk) << "it exists already";
  EXPECT_EQ(get("b", "k").result, "\xc0");
  const auto stored = put("b", "k", "v");
  EXPECT_EQ(stored.code, StatusCode::kOk);
  EXPECT_EQ(stored.result, "\xc0");
  EXPECT_EQ(get("b", "k").result, bin("v"));
  EXPECT_EQ(put("b", "k", "").code, StatusCode::kOk);
  EXPECT_EQ(get("b", "k").result, bin("")) << "an empty value is no missing key";
  EXPECT_EQ(put("b", "", "of the empty key").code, StatusCode::kOk);
  EXPECT_EQ(call("b", "kv.count", no_args).result, "\x02");
  EXPECT_EQ(call("b", "kv.delete", bins({"k"})).code, StatusCode::kOk);
  EXPECT_EQ(call("b", "kv.delete", bins({"k"})).code, StatusCode::kOk) << "it is gone already";
  EXPECT_EQ(get("b", "k").result, "\xc0");
  EXPECT_EQ(call("b", "kv.drop", no_args).code, StatusCode::kOk);
  EXPECT_EQ(get("b", "").code, StatusCode::kNotFound);
}

TEST_F(KvModuleTest, KeysAndValuesMayBeStrAndAnyBytes) {
  ASSERT_EQ(create("b"), StatusCode::kOk);
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  ASSERT_EQ(put("b", bytes, bytes).code, StatusCode::kOk);
  EXPECT_EQ(get("b", bytes).result, bin(bytes));
  const auto as_str = call("b", "kv.put", [](wire::Buffer& out) {
    wire::pack_array(out, 2);
    wire::pack_str(out, "k");
    wire::pack_str(out, "v");
  });
  ASSERT_EQ(as_str.code, StatusCode::kOk) << as_str.text;
  EXPECT_EQ(get("b", "k").result, bin("v"));
}

TEST_F(KvModuleTest, ABucketThatIsNotThereIsNamed) {
  for (const auto& [function, args] :
       std::vector<std::pair<std::string, PackArgs>>{{"kv.drop", no_args},
                                                     {"kv.put", bins({"k", "v"})},
                                                     {"kv.get", bins({"k"})},
                                                     {"kv.delete", bins({"k"})},
                                                     {"kv.count", no_args},
                                                     {"kv.keys", no_args}}) {
    const auto reply = call("holi\ndays", function, args);
    EXPECT_EQ(reply.code, StatusCode::kNotFound) << function;
    EXPECT_EQ(reply.text, "there is no bucket \"holi\\ndays\"") << function;
  }
}

TEST_F(KvModuleTest, TheFunctionsOfABucketAreNotForANode) {
  for (const auto& [function, args] :
       std::vector<std::pair<std::string, PackArgs>>{{"kv.create", no_args},
                                                     {"kv.drop", no_args},
                                                     {"kv.put", bins({"k", "v"})},
                                                     {"kv.get", bins({"k"})},
                                                     {"kv.delete", bins({"k"})},
                                                     {"kv.count", no_args},
                                                     {"kv.keys", no_args}}) {
    for (const auto& target : {Target{}, Target{Target::Kind::kNode, "foo@h"}}) {
      const auto reply = call(target, function, args);
      EXPECT_EQ(reply.code, StatusCode::kInvalidArgument) << function;
      EXPECT_EQ(reply.text, function + " is for a bucket; send it to one, not to a node");
    }
  }
  const auto reply = call("b", "kv.buckets", no_args);
  EXPECT_EQ(reply.code, StatusCode::kInvalidArgument);
  EXPECT_EQ(reply.text, "kv.buckets is for a node; send it to one, not to a bucket");
}

TEST_F(KvModuleTest, WrongArgumentsAreRefusedWithTheRightCall) {
  ASSERT_EQ(create("b"), StatusCode::kOk);
  ASSERT_EQ(put("b", "k", "v").code, StatusCode::kOk);
  const auto raw = [](std::string_view bytes) {
    return [bytes](wire::Buffer& out) { out.append(bytes); };
  };
  struct Case {
    std::string function;
    std::string_view args;
    std::string usage;
  };
  for (const auto& [function, args, usage] : std::vector<Case>{
           {"kv.create", "\x91\xa1k", "kv.create [ttl_ms or nil, history_bytes or nil]"},
           {"kv.drop", "\x91\x01", "kv.drop []"},
           {"kv.count", "\x91\x90", "kv.count []"},
           {"kv.put", "\x90", "kv.put [key, value]"},
           {"kv.put", "\x91\xa1k", "kv.put [key, value]"},
           {"kv.put", "\x93\xa1k\xa1v\xa1w", "kv.put [key, value]"},
           {"kv.put", "\x92\x01\xa1v", "kv.put [key, value]"},
           {"kv.put", "\x92\xa1k\xc0", "kv.put [key, value]"},
           {"kv.put", "\x92\xa1k\x91\xa1v", "kv.put [key, value]"},
           {"kv.get", "\x90", "kv.get [key]"},
           {"kv.get", "\x91\xc0", "kv.get [key]"},
           {"kv.get", "\x91\xc3", "kv.get [key]"},
           {"kv.get", "\x92\xa1k\xa1k", "kv.get [key]"},
           {"kv.delete", "\x91\x07", "kv.delete [key]"},
           {"kv.keys", "\x91\x05", "kv.keys [after, limit]"},
           {"kv.keys", "\x92\xc0\xc0", "kv.keys [after, limit]"},
           {"kv.keys", "\x92\xc0\xff", "kv.keys [after, limit]"},
           {"kv.keys", "\x92\xc0\xa1x", "kv.keys [after, limit]"},
           {"kv.keys", "\x93\xc0\x01\x01", "kv.keys [after, limit]"},
       }) {
    const auto reply = call("b", function, raw(args));
    EXPECT_EQ(reply.code, StatusCode::kInvalidArgument) << function;
    EXPECT_EQ(reply.text, "wrong arguments; the call is " + usage);
    EXPECT_EQ(reply.result, "\xc0");
  }
  const auto reply = call(Target{}, "kv.buckets", raw("\x91\x01"));
  EXPECT_EQ(reply.text, "wrong arguments; the call is kv.buckets [after, limit]");
  EXPECT_EQ(get("b", "k").result, bin("v")) << "nothing of this had an effect";
}

// As a line's words are.
TEST_F(KvModuleTest, ArgumentsNeedNotBePacked) {
  const Target b{Target::Kind::kBucket, "b"};
  using Words = std::vector<ArgumentView>;
  const auto bytes = [](std::string_view text) { return ArgumentView::of(text); };
  const auto number = [](std::uint64_t value) { return ArgumentView::of(value); };
  const ArgumentView nil;
  EXPECT_EQ(call_unpacked(b, "kv.create", {}).code, StatusCode::kOk);
  EXPECT_EQ(call_unpacked(b, "kv.put", {bytes("k"), bytes("v")}).code, StatusCode::kOk);
  EXPECT_EQ(call_unpacked(b, "kv.put", {bytes("l"), bytes("")}).code, StatusCode::kOk);
  EXPECT_EQ(call_unpacked(b, "kv.get", {bytes("k")}).result, bin("v"));
  EXPECT_EQ(page_of(call_unpacked(b, "kv.keys", {bytes("k"), number(5)})).names,
            std::vector<std::string>{"l"});
  EXPECT_TRUE(page_of(call_unpacked(b, "kv.keys", {nil, number(1)})).more);
  EXPECT_EQ(page_of(call_unpacked(b, "kv.keys", {})).names.size(), 2U);

  for (const auto& words : {Words{}, Words{bytes("k")}, Words{bytes("k"), bytes("v"), bytes("w")},
                            Words{number(1), bytes("v")}, Words{bytes("k"), nil}}) {
    EXPECT_EQ(call_unpacked(b, "kv.put", words).text,
              "wrong arguments; the call is kv.put [key, value]");
  }
  for (const auto& words : {Words{number(1)}, Words{nil, nil}, Words{nil, bytes("x")}}) {
    EXPECT_EQ(call_unpacked(b, "kv.keys", words).text,
              "wrong arguments; the call is kv.keys [after, limit]");
  }
  const std::string long_key(limits::kKeyBytesMax + 1, 'k');
  EXPECT_EQ(call_unpacked(b, "kv.get", {bytes(long_key)}).code, StatusCode::kTooLarge);
  EXPECT_EQ(call_unpacked(Target{}, "kv.get", {bytes("k")}).code, StatusCode::kInvalidArgument);
  // A function with a handler finds them packed.
  EXPECT_EQ(call_unpacked(Target{}, "kv.here", {bytes("b"), bytes("kv.count"), nil}).code,
            StatusCode::kInvalidArgument);
}

TEST_F(KvModuleTest, EveryLimitCanBeReachedAndNotPassed) {
  const std::string bucket(limits::kBucketNameBytesMax, 'b');
  const std::string key(limits::kKeyBytesMax, 'k');
  const std::string value(limits::kValueBytesMax, 'v');
  EXPECT_EQ(create(bucket), StatusCode::kOk);
  EXPECT_EQ(create(bucket + "b"), StatusCode::kTooLarge);
  EXPECT_EQ(create(""), StatusCode::kInvalidArgument);
  EXPECT_EQ(put(bucket, key, value).code, StatusCode::kOk);
  EXPECT_EQ(get(bucket, key).result, bin(value));

  const auto long_value = put(bucket, key, value + "v");
  EXPECT_EQ(long_value.code, StatusCode::kTooLarge);
  EXPECT_EQ(long_value.text, "value of 1048577 bytes is over the limit of 1048576");
  EXPECT_EQ(get(bucket, key).result, bin(value));
  for (const auto& [function, args] :
       std::vector<std::pair<std::string, PackArgs>>{{"kv.put", bins({key + "k", "v"})},
                                                     {"kv.get", bins({key + "k"})},
                                                     {"kv.delete", bins({key + "k"})}}) {
    const auto reply = call(bucket, function, args);
    EXPECT_EQ(reply.code, StatusCode::kTooLarge) << function;
    EXPECT_EQ(reply.text, "key of 1025 bytes is over the limit of 1024") << function;
  }
  EXPECT_EQ(call(bucket, "kv.keys", bins({key})).code, StatusCode::kOk);
  EXPECT_EQ(call(bucket, "kv.keys", bins({key + "k"})).code, StatusCode::kTooLarge);
  EXPECT_EQ(call(Target{}, "kv.buckets", bins({bucket})).code, StatusCode::kOk);
  EXPECT_EQ(call(Target{}, "kv.buckets", bins({bucket + "b"})).code, StatusCode::kTooLarge);
}

TEST_F(KvModuleTest, PagesFollowEachOtherInOrder) {
  ASSERT_EQ(create("b"), StatusCode::kOk);
  for (const auto* key : {"c", "a", "e", "b", "d"})
    ASSERT_EQ(put("b", key, "v").code, StatusCode::kOk);
  using Names = std::vector<std::string>;
  auto page = keys(std::nullopt, 2);
  EXPECT_EQ(page.names, (Names{"a", "b"}));
  EXPECT_TRUE(page.more);
  page = keys("b", 2);
  EXPECT_EQ(page.names, (Names{"c", "d"}));
  EXPECT_TRUE(page.more);
  page = keys("d", 2);
  EXPECT_EQ(page.names, (Names{"e"}));
  EXPECT_FALSE(page.more);
  page = keys("bb", 10);
  EXPECT_EQ(page.names, (Names{"c", "d", "e"}));
  EXPECT_TRUE(keys("e", 2).names.empty());
  EXPECT_EQ(page_of(call("b", "kv.keys", no_args)).names.size(), 5U) << "both may be left out";
  EXPECT_EQ(page_of(call("b", "kv.keys", bins({"d"}))).names, (Names{"e"})) << "or the limit";

  ASSERT_EQ(create("a"), StatusCode::kOk);
  page = buckets(std::nullopt, 1);
  EXPECT_EQ(page.names, (Names{"a"}));
  EXPECT_TRUE(page.more);
  page = buckets("a", 1);
  EXPECT_EQ(page.names, (Names{"b"}));
  EXPECT_FALSE(page.more);
}

TEST_F(KvModuleTest, TheLimitsOfAPage) {
  ASSERT_EQ(create("b"), StatusCode::kOk);
  for (std::uint32_t i = 0; i <= limits::kPageItemsMax; ++i) {
    ASSERT_EQ(put("b", std::to_string(i), "").code, StatusCode::kOk);
  }
  auto page = keys(std::nullopt, limits::kPageItemsMax);
  EXPECT_EQ(page.names.size(), limits::kPageItemsMax);
  EXPECT_TRUE(page.more);
  EXPECT_EQ(keys(std::nullopt, 0).names.size(), limits::kPageItemsDefault);
  EXPECT_EQ(page_of(call("b", "kv.keys", no_args)).names.size(), limits::kPageItemsDefault);
  page = keys(std::nullopt, limits::kPageItemsMax + 1);
  EXPECT_EQ(page.code, StatusCode::kInvalidArgument);
  EXPECT_EQ(page.text, "a page of 10001 names is over the limit of 10000");
  EXPECT_EQ(buckets(std::nullopt, ~std::uint64_t{0}).code, StatusCode::kInvalidArgument);
}

TEST_F(KvModuleTest, APageOfTheLongestKeysFitsARecord) {
  ASSERT_EQ(create("b"), StatusCode::kOk);
  for (int i = 10'000; i < 12'000; ++i) {
    auto key = std::to_string(i);
    key.resize(limits::kKeyBytesMax, 'k');
    ASSERT_EQ(put("b", key, "").code, StatusCode::kOk);
  }
  const auto page = keys(std::nullopt, limits::kPageItemsMax);
  EXPECT_EQ(page.code, StatusCode::kOk) << page.text;
  EXPECT_GT(page.names.size(), 1000U);
  EXPECT_LT(page.names.size(), 2000U);
  EXPECT_TRUE(page.more);
}

TEST_F(KvModuleTest, AFullStoreSaysSoAndServesReadsAndDeletes) {
  ASSERT_EQ(create("b"), StatusCode::kOk);
  const std::string value(limits::kValueBytesMax, 'v');
  Reply reply;
  int stored = 0;
  while (stored < 1000 &&
         (reply = put("b", std::to_string(stored), value)).code == StatusCode::kOk) {
    ++stored;
  }
  EXPECT_EQ(reply.code, StatusCode::kFull);
  EXPECT_THAT(reply.text, HasSubstr(std::to_string(kMemory)));
  EXPECT_EQ(get("b", "0").result, bin(value));
  EXPECT_EQ(call("b", "kv.delete", bins({"0"})).code, StatusCode::kOk);
  EXPECT_EQ(put("b", "again", value).code, StatusCode::kOk);
}

TEST_F(KvModuleTest, AFunctionThatItDoesNotHaveIsNamed) {
  const auto reply = call("b", "kv.increment", no_args);
  EXPECT_EQ(reply.code, StatusCode::kUndefinedFunction);
  EXPECT_THAT(reply.text, HasSubstr("foo@h has no function \"kv.increment\""));
}

TEST_F(KvModuleTest, HereReadsAndChangesWhateverTablesSay) {
  const auto here = [&](const std::string& function, const PackArgs& inner) {
    return call(Target{}, "kv.here", here_args("b", function, inner));
  };
  EXPECT_EQ(here("kv.count", no_args).code, StatusCode::kNotFound);
  EXPECT_EQ(here("kv.put", bins({"k", "v"})).code, StatusCode::kNotFound);
  EXPECT_EQ(here("kv.create", no_args).code, StatusCode::kOk);
  EXPECT_EQ(here("kv.put", bins({"k", "v"})).code, StatusCode::kOk);
  EXPECT_EQ(get("b", "k").result, bin("v"));
  EXPECT_EQ(here("kv.get", bins({"k"})).result, bin("v"));
  EXPECT_THAT(page_of(here("kv.keys", page_args({}, 0))).names, testing::ElementsAre("k"));
  EXPECT_EQ(here("kv.delete", bins({"k"})).code, StatusCode::kOk);
  EXPECT_EQ(get("b", "k").result, packed([](wire::Buffer& out) { wire::pack_nil(out); }));
  EXPECT_EQ(here("kv.drop", no_args).code, StatusCode::kOk);
  EXPECT_EQ(here("kv.drop", no_args).code, StatusCode::kNotFound);
}

TEST_F(KvModuleTest, HereRefusesTheRest) {
  EXPECT_EQ(create("b"), StatusCode::kOk);
  const auto code = [&](Target target, const PackArgs& args) {
    return call(target, "kv.here", args).code;
  };
  const auto get_args = here_args("b", "kv.get", bins({"k"}));
  EXPECT_EQ(code({Target::Kind::kBucket, "b"}, get_args), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({}, here_args("", "kv.get", bins({"k"}))), StatusCode::kInvalidArgument);
  for (const char* function : {"kv.buckets", "kv.here", "node.name", ""}) {
    EXPECT_EQ(code({}, here_args("b", function, no_args)), StatusCode::kInvalidArgument)
        << function;
  }
  EXPECT_EQ(code({}, here_args("b", "kv.get", no_args)), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({}, no_args), StatusCode::kInvalidArgument);
  EXPECT_EQ(
      code({}, here_args(std::string(limits::kBucketNameBytesMax + 1, 'b'), "kv.count", no_args)),
      StatusCode::kTooLarge);
}

}  // namespace
}  // namespace kvmesh::modules
