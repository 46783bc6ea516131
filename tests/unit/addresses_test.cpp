// Names become numbers on threads that nobody waits for, anew for each round, one look-up a name.

#include "common/transport/addresses.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "tests/unit/scripted_names.h"

namespace kvmesh::transport {
namespace {

using test::ScriptedNames;

// What next() gives when the look-up has ended; an error as its text.
std::string next_of(Addresses& addresses) {
  for (;;) {
    if (const auto next = addresses.next()) return *next ? **next : next->status().text();
    std::this_thread::yield();
  }
}

TEST(Addresses, NumbersAndPathsAreNeverLookedUp) {
  ScriptedNames names;
  for (const auto* endpoint : {"tcp://127.0.0.1:5", "tcp://[::1]:5", "tcp://[fe80::1%eth0]:5",
                               "ipc:///run/x", "nonsense"}) {
    Addresses addresses{endpoint, names.resolver()};
    for (int i = 0; i < 3; ++i) {
      const auto next = addresses.next();
      ASSERT_TRUE(next && *next);
      EXPECT_EQ(**next, endpoint);
      EXPECT_FALSE(addresses.has_more());
    }
  }
  EXPECT_EQ(names.asked(), 0);
}

TEST(Addresses, AllOfANameInTurnAndEachRoundAsksAnew) {
  ScriptedNames names;
  names.set({"192.0.2.1", "2001:db8::1"});
  Addresses addresses{"tcp://b.test:5", names.resolver()};
  EXPECT_EQ(next_of(addresses), "tcp://192.0.2.1:5");
  EXPECT_TRUE(addresses.has_more());
  EXPECT_EQ(next_of(addresses), "tcp://[2001:db8::1]:5");
  EXPECT_FALSE(addresses.has_more());
  EXPECT_EQ(names.asked(), 1);
  // The next round begins with another, which had less time.
  EXPECT_EQ(next_of(addresses), "tcp://[2001:db8::1]:5");
  EXPECT_EQ(next_of(addresses), "tcp://192.0.2.1:5");
  EXPECT_EQ(names.asked(), 2);
}

TEST(Addresses, OnesThatChangeAreNoticedAtTheNextReconnect) {
  ScriptedNames names;
  names.set({"192.0.2.1", "192.0.2.2"});
  Addresses addresses{"tcp://b.test:5", names.resolver()};
  EXPECT_EQ(next_of(addresses), "tcp://192.0.2.1:5");
  addresses.succeeded();
  names.set({"192.0.2.7"});
  EXPECT_EQ(next_of(addresses), "tcp://192.0.2.7:5");
}

TEST(Addresses, AFailureIsToldAndAskedAgain) {
  ScriptedNames names;
  names.fail("no such host");
  Addresses addresses{"tcp://b.test:5", names.resolver()};
  EXPECT_EQ(next_of(addresses), "no such host");
  names.set({"192.0.2.1"});
  EXPECT_EQ(next_of(addresses), "tcp://192.0.2.1:5");
}

TEST(Addresses, ASlowNameHasOneLookUpHoweverManyAsk) {
  ScriptedNames names;
  names.set({"192.0.2.1"});
  names.hold();
  Addresses one{"tcp://b.test:5", names.resolver()};
  Addresses other{"tcp://b.test:6", names.resolver()};
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(one.next());
    EXPECT_FALSE(other.next());
  }
  names.let_go();
  EXPECT_EQ(next_of(one), "tcp://192.0.2.1:5");
  EXPECT_EQ(next_of(other), "tcp://192.0.2.1:6");
  EXPECT_EQ(names.asked(), 1);
}

TEST(Addresses, ASlowNameKeepsNoOtherNameWaiting) {
  ScriptedNames slow;
  slow.hold();
  Addresses first{"tcp://slow.test:5", slow.resolver()};
  EXPECT_FALSE(first.next());
  Addresses second{"tcp://localhost:5", Resolver::of_the_system()};
  EXPECT_EQ(next_of(second), "tcp://127.0.0.1:5");
  EXPECT_FALSE(first.next());
}

TEST(Addresses, NobodyWaitsForALookUpAtTheEnd) {
  ScriptedNames names;
  names.hold();
  {
    Resolver own{names.look_up()};
    Addresses addresses{"tcp://b.test:5", own};
    EXPECT_FALSE(addresses.next());
  }
  names.let_go();
}

}  // namespace
}  // namespace kvmesh::transport
