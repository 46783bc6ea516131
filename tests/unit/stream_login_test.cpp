// Connections of a server that knows users. One thread plays all; passwords are hashed on another.
#include <mutex>

#include "common/config/faults.h"
#include "common/security/secrets.h"
#include "tests/unit/stream_fixture.h"

namespace kvmesh::stream {
namespace {

// The line protocol by a codec that does not know what it may give out.
class CarelessCodec final : public Codec {
 public:
  std::string_view name() const override { return "the careless protocol"; }
  Message next(std::string_view input, RequestView& request, RequestScratch& scratch) override {
    return lines_.next(input, request, scratch);
  }
  std::size_t input_max() const override { return lines_.input_max(); }
  void append_reply(wire::Buffer& out, Tag tag, const ReplyView& reply) const override {
    lines_.append_reply(out, tag, reply);
  }
  std::string_view constant(Tag tag) const override { return lines_.constant(tag); }
  void append_error(wire::Buffer& out, StatusCode code, std::string_view text) const override {
    lines_.append_error(out, code, text);
  }

 private:
  line::LineCodec lines_;
};

class TcpUsers : public TcpServer {
 protected:
  TcpUsers() : principals_(parsed(user("app1"))), login_(principals_, {}) {
    EXPECT_TRUE(login_.start().ok());
  }
  ~TcpUsers() override { server_.reset(); }

  static std::shared_ptr<const security::Principals> parsed(const std::string& text) {
    config::Faults warnings;
    auto out = security::Principals::parse(text, "security.toml", warnings);
    EXPECT_TRUE(out) << out.status().text();
    return *out;
  }
  static std::string user(const std::string& name) {
    static const std::string kHash = *security::hash_password("sesame");
    return "[user." + name + "]\npassword = \"" + kHash +
           "\"\nmay = [ { on = \"*\", rights = \"rw\" } ]\n";
  }

  void serve_users() {
    Server::Options options{kAdapter, make_codec_, std::chrono::minutes{1}, {}};
    options.security.principals = &principals_;
    options.security.login = &login_;
    options.security.post = [this](std::function<void()> task) {
      const std::scoped_lock lock{mutex_};
      posted_.push_back(std::move(task));
    };
    server_.emplace(std::move(options), *core_, count_);
  }
  std::string said(Client& client, std::string_view line, std::size_t bytes) {
    client.got.clear();
    client.send(line);
    pass_until(client, [&] {
      run_posted();
      return client.got.size() >= bytes || client.ended;
    });
    return client.got;
  }
  std::size_t run_posted() {
    std::vector<std::function<void()>> tasks;
    {
      const std::scoped_lock lock{mutex_};
      tasks.swap(posted_);
    }
    for (const auto& task : tasks) task();
    return tasks.size();
  }

  security::CurrentPrincipals principals_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // under the mutex
  Login login_;                                // ends before what it posts to
};

TEST_F(TcpUsers, WhatComesAfterAuthWaitsForItsOutcome) {
  serve_users();
  auto client = connect();
  EXPECT_EQ(said(client, "PUT b k v\r\n", 1), "ERROR denied say AUTH user secret first\r\n");
  EXPECT_EQ(said(client, "AUTH app1 sesame\r\nPUT b k v\r\nWHOAMI\r\nPING\r\n", 24),
            "OK\r\nOK\r\napp1\r\nOK\r\nPONG\r\n");
}

TEST_F(TcpUsers, ACodecThatKnowsNoLocksOpensNone) {
  make_codec_ = [] { return std::make_unique<CarelessCodec>(); };
  int puts = 0;
  on_put_ = [&](const RequestView&) { ++puts; };
  serve_users();
  auto client = connect();
  EXPECT_EQ(said(client, "PUT b k v\r\n", 1), "ERROR denied say who you are first\r\n");
  EXPECT_EQ(puts, 0);
  EXPECT_EQ(said(client, "AUTH app1 sesame\r\nPUT b k v\r\n", 8), "OK\r\nOK\r\n");
  EXPECT_EQ(puts, 1);
}

TEST_F(TcpUsers, AClientThatLeavesBeforeTheOutcomeIsForgotten) {
  serve_users();
  auto client = connect();
  client.send("AUTH app1 sesame\r\n");
  pass();
  client.reset();
  auto other = connect();
  EXPECT_EQ(said(other, "AUTH app1 sesame\r\n", 4), "OK\r\n");
  EXPECT_EQ(count_.load(), 1U);
}

TEST_F(TcpUsers, OtherPrincipalsEndWhoseProofTheyDoNotTake) {
  serve_users();
  auto known = connect();
  auto anonymous = connect();
  EXPECT_EQ(said(known, "AUTH app1 sesame\r\n", 4), "OK\r\n");
  EXPECT_EQ(said(anonymous, "PING\r\n", 6), "PONG\r\n");
  principals_.set(parsed(user("app2")));
  server_->on_principals();
  EXPECT_EQ(end_of(known), "end");
  EXPECT_EQ(said(anonymous, "AUTH app2 sesame\r\n", 4), "OK\r\n");
  principals_.set(
      parsed(user("app2") + "[anonymous]\nmay = [ { on = \"*\", rights = \"rw\" } ]\n"));
  server_->on_principals();
  EXPECT_EQ(said(anonymous, "WHOAMI\r\n", 10), "app2\r\nOK\r\n");
  auto free = connect();
  EXPECT_EQ(said(free, "PUT b k v\r\n", 4), "OK\r\n") << "everybody may now";
  principals_.set(parsed(user("app2")));
  server_->on_principals();
  EXPECT_EQ(said(free, "PUT b k v\r\n", 1), "ERROR denied say AUTH user secret first\r\n");
}

TEST_F(TcpUsers, AClientThatMayDoNothingIsReadWhileItReads) {
  serve_users();
  auto client = connect();
  std::string flood;
  for (int i = 0; i < 1000; ++i) flood += "CREATE b\r\n";
  client.send(flood);
  for (int i = 0; i < 50; ++i) pass();
  EXPECT_LT(server_->buffered_bytes(), 64U * 1024);
  pass_until(client, [&] {
    run_posted();
    return client.got.size() >=
           1000 * std::string{"ERROR denied say AUTH user secret first\r\n"}.size();
  });
}

}  // namespace
}  // namespace kvmesh::stream
