#pragma once

#include <kvmesh/client.h>
#include <kvmesh/status.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "client/command/base/session.h"
#include "client/command/base/shown_output.h"
#include "client/command/buckets/entry_text.h"
#include "client/command/nodes/nodes_text.h"

namespace kvmesh::command::shell {

/// The nodes whose peers the shell watches, and the buckets. Each change is a line, printed as it
/// comes, in the form of `kvmesh nodes --watch` and with the node that saw it, or of `kvmesh watch`
/// and with the bucket. One thread; a watch has its own.
class Watches {
 public:
  /// All of them must outlive this.
  Watches(Session& session, Client& client, ShownOutput& output)
      : session_(session), client_(client), output_(output) {}
  ~Watches();
  Watches(const Watches&) = delete;
  Watches& operator=(const Watches&) = delete;

  /// Prints how things stand, and from then on each change, until end(); while `node` (empty: the
  /// connected one) itself does not answer, that is a line, and it is asked again and again. An
  /// earlier watch of the same name ends. Fails when the node does not answer the first time.
  Status begin(const std::string& node);
  /// False: it was not watched.
  bool end(const std::string& node);

  /// The same of the changes of a bucket, until end_bucket(). Fails when it is not there.
  Status begin_bucket(const std::string& bucket, const std::string& prefix);
  bool end_bucket(const std::string& bucket);

 private:
  class Answer;
  struct Watch {
    std::shared_ptr<Answer> answer;
    std::thread thread;
  };
  using ByName = std::map<std::string, Watch>;
  static bool end(ByName& watches, const std::string& name);

  // What the session said when the watch began; its options change while lines are executed.
  struct Form {
    bool json = false;
    std::chrono::milliseconds timeout{};
  };
  void follow(const std::string& node, WatchedNodes watched, Answer& answer, Form form);
  void follow_bucket(FollowedBucket followed, Answer& answer, std::chrono::milliseconds timeout);
  static std::string line_of(const NodeChange& change, const Form& form);

  Session& session_;
  Client& client_;
  ShownOutput& output_;
  ByName watches_;
  ByName buckets_;
};

}  // namespace kvmesh::command::shell
