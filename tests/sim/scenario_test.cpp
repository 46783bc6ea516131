// Scenario files: what can be written, and what is said of mistakes.
#include <gtest/gtest.h>

#include "node/sim/scenario.h"
#include "node/sim/simulation.h"
#include "node/sim/story.h"

namespace kvmesh::sim {
namespace {

constexpr const char* kMesh =
    "seed 3\n"
    "network delay=1ms jitter=0s\n"
    "node gate@h foo@h bar@h=foo@h   # bar by a via\n"
    "node foo@h stores bar@h\n"
    "node bar@h stores\n"
    "table gate@h a..m=foo@h n..z=bar@h\n"
    "table foo@h a..m=foo@h *=bar@h\n"
    "table bar@h *=bar@h\n";

Plan read(const std::string& text) {
  Plan plan;
  const auto status = read_scenario(kMesh + text, "file", plan);
  EXPECT_TRUE(status.ok()) << status.text();
  return plan;
}

std::string fault_of(const std::string& text) {
  Plan plan;
  return read_scenario(kMesh + text, "file", plan).text();
}

TEST(Scenario, ReadsBackWhatItWrites) {
  const auto plan = read(
      "at 1ms ask gate@h milk kv.create\n"
      "at 2ms ask gate@h %00x kv.put k3 v17:200 timeout=500ms\n"
      "at 1s kill foo@h\n"
      "at 1.5s start foo@h\n"
      "at 2s partition {gate@h,foo@h} {bar@h}\n"
      "at 3s heal\n"
      "at 4s slow bar@h 5ms\n"
      "at 5s reload foo@h *=foo@h\n"
      "at 5100ms peers gate@h {foo@h} a..m=foo@h\n"
      "at 5200ms peers gate@h {}\n"
      "at 5300ms peers gate@h {foo@h} *=bar@h\n"
      "at 6s throttle foo@h * 20000\n"
      "node full@h stores memory=4000\n"
      "network buffer=5000 rate=1000000\n"
      "at 3ms ask gate@h milk kv.keys v3\n"
      "at 4ms ask gate@h milk kv.keys k7 v2\n"
      "node disk@h stores durable\n"
      "at 7s fail_sync disk@h\n"
      "at 5ms ask gate@h milk kv.read k1 k2\n"
      "at 6ms ask gate@h milk kv.apply v9:50 if=k1 absent=k2 put=k1:5ms add=k6:-3 touch=k3:2s "
      "delete=k4 once=12\n"
      "at 7ms ask gate@h milk kv.scan v2\n"
      "at 8ms ask gate@h milk kv.changes v2 wait=90ms\n");
  EXPECT_EQ(plan.requests.size(), 8U);
  EXPECT_EQ(plan.batches[0].keys, (std::vector<std::uint16_t>{1, 2}));
  EXPECT_TRUE(plan.batches[1].checks[1].is_absent);
  EXPECT_EQ(plan.batches[1].changes[0].ttl_ms, 5U);
  EXPECT_EQ(plan.batches[1].changes[1].delta, -3);
  EXPECT_EQ(plan.batches[1].once, 12U);
  EXPECT_EQ(plan.requests[7].wait_ms, 90U);
  EXPECT_TRUE(plan.nodes.back().is_durable);
  EXPECT_EQ(plan.requests[2].key, kNextPage);
  EXPECT_EQ(plan.requests[3].key, 7);
  EXPECT_EQ(plan.nodes[3].memory_max, 4000U);
  EXPECT_EQ(plan.buckets[1], std::string("\0x", 2));
  ASSERT_EQ(plan.faults.size(), 11U);
  EXPECT_EQ(plan.faults[6].second.size(), 1U);
  EXPECT_TRUE(plan.faults[7].second.empty());
  EXPECT_EQ(plan.nodes[0].vias.size(), 1U);
  Plan again;
  ASSERT_TRUE(read_scenario(write_scenario(plan), "file", again).ok());
  EXPECT_EQ(write_scenario(again), write_scenario(plan));
}

TEST(Scenario, AStarInASetIsEveryOtherNode) {
  const auto plan = read("at 1s partition foo@h *\n");
  EXPECT_EQ(plan.faults[0].second.size(), 2U);
}

TEST(Scenario, SaysWhereAndWhatIsWrong) {
  EXPECT_EQ(fault_of("at 1s kill baz@h\n"), "file:9: there is no node \"baz@h\"");
  EXPECT_EQ(fault_of("at 1x kill foo@h\n"),
            "file:9: \"1x\" is no time; write for example 250us, 1.5ms or 2s, at most 24 h");
  EXPECT_EQ(fault_of("at 1s slow foo@h\n"), "file:9: write slow NODES TIME");
  EXPECT_EQ(fault_of("at 1s reload bar@h *=gate@h\n"),
            "file: a table of bar@h names gate@h, which is neither that node nor a peer of it");
  EXPECT_EQ(fault_of("at 1s peers foo@h {gate@h} *=foo@h\n"),
            "file: node foo@h never has the peer gate@h; name it in the line of the node");
  EXPECT_NE(fault_of("at 1s ask gate@h milk kv.buckets\n"), "");
  EXPECT_EQ(fault_of("at 1s ask gate@h milk kv.apply put=k1 delete=k1\n"),
            "file:9: a call changes each key once, and this one k1 twice");
  for (const auto* word :
       {"put=1", "put=k1:0s", "add=k1", "add=k1:x", "delete=k1:5ms", "once=0", "if=", "k70000"}) {
    EXPECT_TRUE(fault_of(std::string{"at 1s ask gate@h milk kv.apply "} + word + "\n")
                    .starts_with("file:9: \"" + std::string{word} + "\" is none of kN"))
        << word;
  }
  EXPECT_EQ(fault_of("node x@h stores durable slow_engine\n"),
            "file:9: node x@h cannot be both slow_engine and durable");
  EXPECT_EQ(fault_of("node x@h stores durable memory=9\n"),
            "file:9: node x@h is durable, and then the simulation knows no memory=");
  EXPECT_NE(fault_of("then kill foo@h\n"), "");
  EXPECT_NE(fault_of("network speed=3\n"), "");
}

TEST(Scenario, TimesAreShort) {
  EXPECT_EQ(time_text(Micros{0}), "0s");
  EXPECT_EQ(time_text(Micros{1500}), "1500us");
  EXPECT_EQ(time_text(Micros{2000}), "2ms");
  EXPECT_EQ(time_text(Micros{3000000}), "3s");
  EXPECT_EQ(parse_time("1.5ms")->count(), 1500);
  EXPECT_FALSE(parse_time("5"));
  EXPECT_FALSE(parse_time("-1s"));
  EXPECT_FALSE(parse_time("25h"));
}

TEST(Scenario, WordsHoldAnyBytes) {
  const std::string bytes{"a\0% \xff", 5};
  EXPECT_EQ(escape_word(bytes), "a%00%25%20%ff");
  EXPECT_EQ(unescape_word(escape_word(bytes)), bytes);
  EXPECT_EQ(unescape_word("100%"), "100%");
}

TEST(Story, TellsARunOverAPeerThatDies) {
  const auto plan = read(
      "at 1ms ask gate@h milk kv.create\n"
      "at 10ms ask gate@h milk kv.put k1 v2\n"
      "at 11200us kill foo@h\n");
  StoryWriter writer{plan};
  EXPECT_FALSE(run(plan, &writer).violations.any());
  const auto story = writer.story("A peer that dies fails what it was asked.");
  ASSERT_TRUE(story);
  EXPECT_NE(story->find("ask gate@h 0 bucket=milk kv.create\n"), std::string::npos) << *story;
  EXPECT_NE(story->find("step gate@h foo@h\nwait 1ms\nstep foo@h gate@h\n"), std::string::npos)
      << *story;
  EXPECT_NE(story->find("ask gate@h 1 bucket=milk kv.put k1 v2\n"), std::string::npos);
  EXPECT_NE(story->find("kill foo@h\n"), std::string::npos);
}

TEST(Scenario, PeersGoAndComeWhileRequestsAreUnderWay) {
  const auto plan = read(
      "node door@h foo@h bar@h\n"
      "table door@h a..m=foo@h *=bar@h\n"
      "at 1ms ask door@h milk kv.create\n"
      "at 10ms ask door@h tea kv.create\n"
      "at 10ms ask door@h milk kv.put k1 v2\n"
      "at 10100us peers door@h {bar@h} *=bar@h\n"
      "at 15ms ask door@h milk kv.get k1\n"
      "at 20ms peers door@h {foo@h} a..m=foo@h\n"
      "at 200ms ask door@h milk kv.get k1\n"
      "at 201ms ask door@h tea kv.create\n");
  const auto result = run(plan);
  EXPECT_FALSE(result.violations.any());
  const auto& answers = result.figures.by_status;
  EXPECT_EQ(answers[static_cast<std::size_t>(StatusCode::kOk)], 3U)
      << "both that were asked of nodes which stayed, and the last get";
  EXPECT_EQ(answers[static_cast<std::size_t>(StatusCode::kOutcomeUnknown)], 1U)
      << "the put over the link that ended";
  EXPECT_EQ(answers[static_cast<std::size_t>(StatusCode::kNotFound)], 1U) << "bar has no milk";
  EXPECT_EQ(answers[static_cast<std::size_t>(StatusCode::kNoRoute)], 1U);
  StoryWriter writer{plan};
  (void)run(plan, &writer);
  const auto story = writer.story("Peers go and come.");
  ASSERT_TRUE(story);
  EXPECT_NE(
      story->find("down door@h foo@h \"it is no longer a peer\"\npeers door@h bar@h *=bar@h\n"),
      std::string::npos)
      << *story;
}

}  // namespace
}  // namespace kvmesh::sim
