// kv.read and kv.apply, called through a core over a store in memory.

#include "node/modules/kv_changes.h"

#include <gmock/gmock.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <kvmesh/limits.h>
#include <kvmesh/value.h>

#include "common/wire/value_codec.h"
#include "node/modules/kv_module.h"
#include "node/store/memory_engine.h"
#include "tests/unit/module_fixture.h"

namespace kvmesh::modules {
namespace {

using testing::HasSubstr;

Value bytes(const std::string& text) { return Bytes{text}; }
// The arguments of a call with one; braces alone would be that one's own.
Value::List only(Value argument) {
  Value::List out;
  out.push_back(std::move(argument));
  return out;
}
Value put(const std::string& key, const std::string& value, Value ttl_ms = {}) {
  return Value::List{0U, bytes(key), bytes(value), std::move(ttl_ms)};
}
Value erase(const std::string& key) { return Value::List{1U, bytes(key)}; }
Value add(const std::string& key, std::int64_t delta, Value ttl_ms = {}) {
  return Value::List{2U, bytes(key), delta, std::move(ttl_ms)};
}
Value touch(const std::string& key, Value ttl_ms) {
  return Value::List{3U, bytes(key), std::move(ttl_ms)};
}
Value restore(const std::string& key, const std::string& value, std::uint64_t rev,
              std::uint64_t keep, Value ttl_ms = {}) {
  return Value::List{4U, bytes(key), bytes(value), std::move(ttl_ms), rev, keep};
}
Value check(const std::string& key, std::uint64_t rev) { return Value::List{bytes(key), rev}; }

class KvChangesTest : public ModuleTest {
 protected:
  KvChangesTest() {
    kv_.define(modules_);
    EXPECT_EQ(call("b", "kv.create", no_args).code, StatusCode::kOk);
  }
  void finish(core::Core& core) override {
    while (kv_.pass(core, now_)) {
    }
  }

  Reply call_with(Target target, std::string_view function, const Value::List& args) {
    return call(target, function,
                [&](wire::Buffer& out) { EXPECT_TRUE(wire::pack_value(out, args).ok()); });
  }
  Reply reply_of(std::string_view function, const Value::List& args) {
    return call_with({Target::Kind::kBucket, "b"}, function, args);
  }
  // What it answers, as JSON; the code's name when it failed.
  std::string result_of(std::string_view function, const Value::List& args) {
    const auto reply = reply_of(function, args);
    if (reply.code != StatusCode::kOk) return std::string{to_string(reply.code)};
    const auto value = wire::unpack_value(reply.result);
    return value ? value->to_json() : "no value";
  }
  std::string apply(const Value::List& checks, const Value::List& changes) {
    return result_of("kv.apply", {checks, changes});
  }
  std::string read(const std::vector<std::string>& keys) {
    Value::List list;
    for (const auto& key : keys) list.push_back(bytes(key));
    return result_of("kv.read", only(list));
  }
  void expect_refused(std::string_view function, const Value::List& args, StatusCode code,
                      const std::string& text) {
    const auto reply = reply_of(function, args);
    EXPECT_EQ(reply.code, code) << text;
    EXPECT_THAT(reply.text, HasSubstr(text));
  }
  void expect_refused_change(const Value& change, StatusCode code, const std::string& text) {
    expect_refused("kv.apply", {Value::List{}, Value::List{put("x", "1"), change}}, code, text);
    EXPECT_THAT(read({"x"}), HasSubstr("[null]")) << "nothing was changed";
  }

  store::MemoryEngine engine_{std::uint64_t{64} << 20};
  KvModule kv_{engine_};
};

TEST_F(KvChangesTest, ChangesAreMadeTogetherAndReadWithTheirRevisions) {
  EXPECT_EQ(apply({}, {put("k", "v"), add("n", 5), erase("no"), touch("no too", 100U)}),
            "[true,2,[false,5,false,false]]");
  EXPECT_EQ(read({"k", "gone", "n"}), R"([2,[[2,"v",null],null,[2,"5",null]]])");
  EXPECT_EQ(apply({check("k", 2), check("gone", 0)}, {add("n", -7), erase("k")}),
            "[true,3,[-2,true]]");
  EXPECT_EQ(read({"k", "n"}), R"([3,[null,[3,"-2",null]]])");
  EXPECT_EQ(apply({check("gone", 0), check("n", 2)}, {put("k", "again")}), "[false,3,1,3]");
  EXPECT_EQ(apply({check("k", 3)}, {put("k", "again")}), "[false,3,0,0]");
  EXPECT_EQ(read({}), "[3,[]]");
  EXPECT_EQ(apply({}, {}), "[true,3,[]]");
}

TEST_F(KvChangesTest, WhatWasOnceIsRestoredWithItsRevision) {
  EXPECT_EQ(apply({}, {restore("k", "v", 7, 0), restore("brief", "v", 3, 1, 1000U)}),
            "[true,7,[false,false]]");
  EXPECT_EQ(read({"k", "brief"}), R"([7,[[7,"v",null],[3,"v",1000]]])");
  EXPECT_EQ(apply({}, {restore("k", "w", 7, 2), restore("brief", "w", 4, 2)}),
            "[true,8,[true,false]]");
  EXPECT_EQ(read({"k", "brief"}), R"([8,[[7,"v",null],[4,"w",null]]])");
  EXPECT_EQ(apply({}, {restore("k", "w", 9, 1)}), "[true,8,[true]]");
  expect_refused(
      "kv.apply", {Value::List{}, Value::List{restore("k", "w", limits::kRevisionMax, 1)}},
      StatusCode::kInvalidArgument, "days ahead of the clock of this node; set the clock");
}

TEST_F(KvChangesTest, ABucketHasOptions) {
  EXPECT_EQ(result_of("kv.options", {}), "[null,null]");
  EXPECT_EQ(result_of("kv.options", {Value{}, 4096U}), "[null,4096]");
  EXPECT_EQ(result_of("kv.options", only(60'000U)), "[60000,4096]");
  EXPECT_EQ(result_of("kv.options", {0U, 0U}), "[null,null]");
  EXPECT_EQ(call_with({Target::Kind::kBucket, "new"}, "kv.create", {1000U, Value{}}).code,
            StatusCode::kOk);
  const auto reply = call_with({Target::Kind::kBucket, "new"}, "kv.options", {});
  EXPECT_EQ(wire::unpack_value(reply.result)->to_json(), "[1000,null]");
  expect_refused("kv.options", only(Value{-1}), StatusCode::kInvalidArgument, "the call is");
  expect_refused("kv.options", only("1s"), StatusCode::kInvalidArgument, "the call is kv.options");
  expect_refused("kv.options", only(std::uint64_t{1} << 62U), StatusCode::kInvalidArgument,
                 "a ttl_ms of 4611686018427387904 is over the limit");
  expect_refused("kv.options", {Value{}, 67'108'865U}, StatusCode::kInvalidArgument,
                 "history_bytes of 67108865 are over the limit of 67108864");
  expect_refused("kv.options", {1U, 1U, 1U}, StatusCode::kInvalidArgument, "the call is");
}

TEST_F(KvChangesTest, AKeyExpires) {
  EXPECT_EQ(apply({}, {put("k", "v", 1000U), add("n", 1, 500U)}), "[true,2,[false,1]]");
  now_ += std::chrono::milliseconds{400};
  EXPECT_EQ(read({"k", "n"}), R"([2,[[2,"v",600],[2,"1",100]]])");
  now_ += std::chrono::milliseconds{100};
  EXPECT_THAT(read({"k", "n"}), HasSubstr(R"([[2,"v",500],null])"));
  EXPECT_EQ(call("b", "kv.get", bins({"n"})).result, "\xc0");
  EXPECT_THAT(apply({}, {touch("k", Value{}), touch("n", 5U)}), HasSubstr("[true,false]"));
  EXPECT_THAT(read({"k"}), HasSubstr(R"("v",null])"));
  EXPECT_EQ(call("b", "kv.keys", no_args).code, StatusCode::kOk);
}

TEST_F(KvChangesTest, TheOldFunctionsMakeRevisionsToo) {
  EXPECT_EQ(call("b", "kv.put", bins({"k", "v"})).code, StatusCode::kOk);
  EXPECT_EQ(read({"k"}), R"([2,[[2,"v",null]]])");
  EXPECT_EQ(call("b", "kv.delete", bins({"k"})).code, StatusCode::kOk);
  EXPECT_EQ(read({"k"}), "[3,[null]]");
}

TEST_F(KvChangesTest, WhatIsWrongIsSaidOfTheChangeThatIs) {
  constexpr auto kInvalid = StatusCode::kInvalidArgument;
  const std::string long_key(limits::kKeyBytesMax + 1, 'k');
  const std::string long_value(limits::kValueBytesMax + 1, 'v');
  expect_refused_change(Value::List{5U, bytes("k")}, kInvalid, "change 2 begins with none of 0");
  expect_refused_change(Value::List{}, kInvalid, "change 2 begins with none");
  expect_refused_change("put", kInvalid, "change 2 begins with none");
  expect_refused_change(Value::List{0U, bytes("k"), bytes("v")}, kInvalid,
                        "change 2 is not [0, key, value, ttl_ms or nil]");
  expect_refused_change(Value::List{1U, bytes("k"), bytes("v")}, kInvalid,
                        "change 2 is not [1, key]");
  expect_refused_change(Value::List{2U, bytes("k"), 1.5, Value{}}, kInvalid,
                        "change 2 is not [2, key, delta");
  expect_refused_change(Value::List{3U, 7U, Value{}}, kInvalid, "change 2 is not [3, key");
  expect_refused_change(Value::List{4U, bytes("k"), bytes("v"), Value{}, 7U}, kInvalid,
                        "change 2 is not [4, key, value, ttl_ms or nil, rev, keep]");
  expect_refused_change(restore("k", "v", 0, 0), kInvalid, "has a rev of 0; it is 1 to 9007");
  expect_refused_change(restore("k", "v", limits::kRevisionMax + 1, 0), kInvalid, "has a rev of 9");
  expect_refused_change(restore("k", "v", 1, 3), kInvalid, "ends with none of 0 (in any case)");
  expect_refused_change(put("k", "v", 0U), kInvalid, "has a ttl_ms of 0; it is 1 to ");
  expect_refused_change(put("k", "v", std::uint64_t{1} << 50), kInvalid, "ttl_ms of 11258999");
  expect_refused_change(put("k", "v", std::int64_t{-1}), kInvalid, "change 2 is not [0,");
  expect_refused_change(put(long_key, "v"), StatusCode::kTooLarge, "key");
  expect_refused_change(put("k", long_value), StatusCode::kTooLarge, "value");
  expect_refused_change(erase("x"), kInvalid, "the key \"x\" is changed twice");
  expect_refused_change(add("x", 1), kInvalid, "changed twice");
  ASSERT_THAT(apply({}, {put("text", "a")}), HasSubstr("[true,"));
  expect_refused_change(add("text", 1), kInvalid,
                        "cannot add 1 to the key \"text\": its value is no decimal number");
}

TEST_F(KvChangesTest, SoItIsOfChecksAndKeys) {
  constexpr auto kInvalid = StatusCode::kInvalidArgument;
  const Value::List none;
  expect_refused("kv.apply", {Value::List{"k"}, none}, kInvalid, "check 1 is not [key, rev]");
  expect_refused("kv.apply", {Value::List{check("k", 1), Value::List{bytes("k")}}, none}, kInvalid,
                 "check 2 is not [key, rev]");
  expect_refused("kv.apply", only(none), kInvalid, "the call is kv.apply [[[key, rev] ...]");
  expect_refused("kv.apply", {none, none, none}, kInvalid, "the call is kv.apply");
  expect_refused("kv.apply", {none, none, bytes("short")}, kInvalid, "has 5 bytes; it has 16");
  expect_refused("kv.apply", {none, none, bytes(std::string(17, 'x'))}, StatusCode::kTooLarge,
                 "once");
  expect_refused("kv.apply", {none, "changes"}, kInvalid, "the call is kv.apply");
  expect_refused("kv.read", only(bytes("k")), kInvalid, "the call is kv.read [[key ...]]");
  expect_refused("kv.read", only(Value::List{bytes("k"), 1U}), kInvalid, "key 2 is not bytes");
  expect_refused("kv.read", {}, kInvalid, "the call is kv.read [[key ...]]");
  expect_refused("kv.read", only(only(bytes(std::string(1025, 'k')))), StatusCode::kTooLarge,
                 "key");
}

TEST_F(KvChangesTest, EachNumberOfThemHasItsLimit) {
  Value::List keys(limits::kReadKeysMax, bytes("k"));
  EXPECT_EQ(reply_of("kv.read", only(keys)).code, StatusCode::kOk);
  keys.push_back(bytes("k"));
  expect_refused("kv.read", only(keys), StatusCode::kTooLarge,
                 "1001 keys are over the limit of 1000");
  Value::List changes;
  for (std::uint32_t i = 0; i < limits::kApplyChangesMax; ++i) {
    changes.push_back(put("k" + std::to_string(i), "v"));
  }
  Value::List checks(limits::kApplyChecksMax, check("c", 0));
  EXPECT_EQ(reply_of("kv.apply", {checks, changes}).code, StatusCode::kOk);
  checks.push_back(check("c", 0));
  expect_refused("kv.apply", {checks, changes}, StatusCode::kTooLarge,
                 "129 checks are over the limit of 128");
  changes.push_back(put("one more", "v"));
  expect_refused("kv.apply", {Value::List{}, changes}, StatusCode::kTooLarge,
                 "129 changes are over the limit of 128");
}

TEST_F(KvChangesTest, TheirBytesTogetherHaveOne) {
  const std::string large(limits::kApplyBytesMax / 2 - 1, 'v');
  EXPECT_THAT(apply({}, {put("1", large), put("2", large)}), HasSubstr("[true,"));
  expect_refused("kv.apply", {Value::List{}, Value::List{put("1", large), put("23", large)}},
                 StatusCode::kTooLarge, "are over the limit of 1572864");
}

TEST_F(KvChangesTest, ACallWithAnIdIsExecutedOnce) {
  const auto call_once = [&] {
    return result_of("kv.apply", {Value::List{}, only(add("n", 1)), bytes("0123456789abcdef")});
  };
  EXPECT_EQ(call_once(), "[true,2,[1]]");
  EXPECT_EQ(call_once(), "[true,2,[1]]");
  EXPECT_EQ(result_of("kv.apply", {Value::List{}, only(add("n", 1)), Value{}}), "[true,3,[2]]");
}

TEST_F(KvChangesTest, KeysAreScannedInTheirOrder) {
  apply({}, {put("b", "1"), put("ab", "2", 5000U), put("aa", "3")});
  EXPECT_EQ(result_of("kv.scan", only(bytes(""))),
            R"([false,2,[["aa",2,null],["ab",2,5000],["b",2,null]]])");
  EXPECT_EQ(result_of("kv.scan", {bytes("a"), Value{}, 1U, true}),
            R"([true,2,[["aa",2,null,"3"]]])");
  EXPECT_EQ(result_of("kv.scan", {bytes("a"), bytes("aa"), 1U}), R"([false,2,[["ab",2,5000]]])");
  EXPECT_EQ(result_of("kv.scan", {bytes("x"), Value{}, 0U, true}), "[false,2,[]]");
  constexpr auto kInvalid = StatusCode::kInvalidArgument;
  expect_refused("kv.scan", {bytes(""), Value{}, 10001U}, kInvalid, "over the limit of 10000");
  expect_refused("kv.scan", {}, kInvalid, "the call is kv.scan [prefix, after or nil");
  expect_refused("kv.scan", {bytes(""), Value{}, 1U, 1U}, kInvalid, "the call is kv.scan");
  expect_refused("kv.scan", only(bytes(std::string(1025, 'x'))), StatusCode::kTooLarge, "prefix");
}

TEST_F(KvChangesTest, ChangesAreToldInTheirOrder) {
  EXPECT_EQ(result_of("kv.changes", {bytes(""), 0U}), "[true,1,[]]");
  apply({}, {put("k", "v", 700U), add("n", 5)});
  apply({}, {touch("n", 90U), erase("k")});
  now_ += std::chrono::milliseconds{100};
  apply({}, {put("n", "gone before")});
  call("b", "kv.put", bins({"k", ""}));
  const auto told = result_of("kv.changes", {bytes(""), 1U});
  EXPECT_THAT(told, HasSubstr(R"(,[[2,0,"k",600,"v"],[2,0,"n",null,"5"],[3,2,"n",0],[3,1,"k"],)"
                              R"([409600,3,"n"],[409601,0,"n",null,"gone before"],)"
                              R"([409602,0,"k",null,""]]])"));
  EXPECT_EQ(result_of("kv.changes", {bytes("k"), 3U, 0U, 0U}),
            R"([false,409602,[[409602,0,"k",null,""]]])");
  EXPECT_EQ(result_of("kv.changes", {bytes(""), 409602U}), "[false,409602,[]]");
  constexpr auto kInvalid = StatusCode::kInvalidArgument;
  expect_refused("kv.changes", only(bytes("")), kInvalid, "the call is kv.changes [prefix, since");
  expect_refused("kv.changes", {bytes(""), 1U, 0U, 10001U}, kInvalid,
                 "a wait of 10001 ms is over the limit of 10000");
}

TEST_F(KvChangesTest, TheyAreForABucketThatExists) {
  const Value::List none;
  for (const auto& [function, args] : std::vector<std::pair<std::string, Value::List>>{
           {"kv.read", only(none)}, {"kv.apply", {none, none}}}) {
    EXPECT_EQ(call_with({Target::Kind::kBucket, "other"}, function, args).code,
              StatusCode::kNotFound);
    const auto reply = call_with(Target{}, function, args);
    EXPECT_EQ(reply.code, StatusCode::kInvalidArgument);
    EXPECT_THAT(reply.text, HasSubstr("is for a bucket"));
    const auto here = call_with(Target{}, "kv.here", {bytes("b"), function, args});
    EXPECT_EQ(here.code, StatusCode::kOk) << here.text;
  }
}

}  // namespace
}  // namespace kvmesh::modules
