#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "client/command/base/session.h"
#include "client/command/buckets/bucket_list.h"
#include "client/command/transfer/progress.h"
#include "client/command/transfer/record.h"
#include "client/command/verify/live_mesh.h"
#include "client/verify/mesh_model.h"

namespace kvmesh::command {

/// Reads buckets through the mesh and prints their records. Whatever cannot be read is reported on
/// standard error, after twenty lines as numbers for each node, and counted; the rest is printed
/// all the same. A node that fails several times, and does not answer when it is asked whether it
/// is there, is not waited for again. Memory: a few pages. One thread.
class Exporter {
 public:
  /// `client` is the session's connection.
  Exporter(Session& session, Client& client, Format format);

  /// All buckets of the mesh: of each node that is found from node to node, those that its table
  /// gives to it. A node that does not answer is a failure, and so are buckets that a node holds
  /// though its table gives them to others.
  void export_mesh();
  /// All buckets that `node` stores; empty: the connected one.
  void export_node(const std::string& node);
  void export_buckets(const std::vector<std::string>& buckets);
  /// From here on only these are listed.
  void list_only(const NameBounds& bounds) { bounds_ = bounds; }
  /// From here on buckets are read at this node, wherever the tables lead.
  void read_at(const std::string& node) { read_at_ = node; }
  /// Prints what is left and the summary; gives the exit status.
  int finish();

 private:
  struct Listed {
    std::string bucket;
    std::string after;  // of the page that comes next
    bool first_page = true;
  };
  struct Wanted {
    std::string bucket;
    std::string key;
  };
  bool has_expiry() const { return format_ == Format::kJsonLines; }  // the format can say it
  Result<std::optional<Record::KeyValue>> pair_of(const std::string& key, Outcome outcome) const;
  // What is only counted.
  struct Untold {
    std::uint64_t buckets = 0;
    std::uint64_t keys = 0;
    std::optional<Status> gone{};  // why it is asked no more
  };
  void export_own(const verify::MeshNode& node, const Way& way);
  // Gives `take` the names of all buckets that the node holds, page by page.
  void list_buckets(const std::string& target, const std::string& name,
                    const std::function<void(std::vector<std::string>)>& take);
  Operation at_its_node(Operation of_bucket) const;
  // What answers for the bucket: a node or, where the mesh routes it, its owner.
  std::string source_of(const std::string& bucket) const;
  bool is_gone(const std::string& source) const;
  Status ask_whether_there(const std::string& bucket);
  void export_group(std::vector<Listed> group);
  void export_values(const std::vector<Wanted>& wanted);
  void export_batch(const Wanted* begin, const Wanted* end);
  void write(const Record& record);
  void flush();
  void fail(const std::string& what, const Status& status);
  // A key, or with null all of the bucket.
  void fail_in(const std::string& bucket, const std::string* key, const Status& status);
  void tell_untold();
  void leave_out(std::uint64_t buckets, const std::string& why);

  Session& session_;
  Client& connected_;
  Client* client_ = nullptr;  // over which is read
  Format format_;
  std::optional<std::string> read_at_;  // empty: where the mesh routes each bucket
  std::string reading_;                 // the node whose buckets are listed; empty: they are named
  std::map<std::string, Untold> untold_;  // by source
  std::uint64_t told_ = 0;                // failures in buckets
  NameBounds bounds_;
  ProgressDisplay display_;
  std::string output_;
  std::set<std::string, std::less<>> seen_;  // nodes may both have a bucket that moved
  std::size_t batch_size_ = 8;
  Summary summary_{"exported", "from"};
  std::chrono::steady_clock::time_point began_;
};

}  // namespace kvmesh::command
