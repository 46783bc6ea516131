#include "node/audit_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <utility>

#include <kvmesh/value.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/spdlog.h>

#include "common/text.h"

namespace kvmesh {
namespace {

// Those whose events are counted; the oldest of more make room.
constexpr std::size_t kAlikeMax = 4096;

// "2026-11-28T02:31:25.123Z".
std::string time_now() {
  const auto now = std::chrono::system_clock::now();
  const auto seconds = std::chrono::system_clock::to_time_t(now);
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<int>(ms));
  return out.data();
}

std::string line_of(const core::AuditEvent& event, std::uint64_t left_out) {
  Value::Map out{{"time", time_now()}, {"event", std::string{to_string(event.kind)}}};
  const auto add = [&](const char* name, std::string_view text) {
    if (!text.empty()) out.emplace_back(name, printable(text));
  };
  add("principal", event.principal);
  add("key", event.fingerprint);
  add("from", event.from);
  add("via", event.via);
  add("what", event.what);
  add("bucket", event.bucket);
  if (left_out > 0) out.emplace_back("alike_before", left_out);
  return Value{std::move(out)}.to_json();
}

// Without a port: it is another for each connection.
std::string_view host_of(std::string_view address) {
  const auto colon = address.rfind(':');
  const bool has_port = colon != std::string_view::npos && address.find(':') == colon;
  return has_port ? address.substr(0, colon) : address.substr(0, address.rfind(']'));
}

constexpr int kToAppend = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

int open_to_append(const std::string& path) {
  return ::open(path.c_str(), kToAppend | O_CREAT, S_IRUSR | S_IWUSR);
}

// By errno.
Status not_writable(const std::string& path) {
  return {StatusCode::kInvalidArgument, "log.audit: cannot write " + in_quotes(path, 4096) + ": " +
                                            std::generic_category().message(errno) +
                                            "; choose another file"};
}

}  // namespace

Result<std::unique_ptr<AuditLog>> AuditLog::open(std::string path) {
  if (path.empty()) return std::unique_ptr<AuditLog>{new AuditLog{{}, -1}};
  const int descriptor = open_to_append(path);
  if (descriptor < 0) return not_writable(path);
  return std::unique_ptr<AuditLog>{new AuditLog{std::move(path), descriptor}};
}

Status AuditLog::check(const std::string& path) {
  if (path.empty()) return {};
  const int descriptor = ::open(path.c_str(), kToAppend);
  if (descriptor >= 0) {
    ::close(descriptor);
    return {};
  }
  if (errno != ENOENT) return not_writable(path);
  const auto folder = std::filesystem::path{path}.parent_path();
  const bool could_make_it =
      ::faccessat(AT_FDCWD, folder.empty() ? "." : folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
  return could_make_it ? Status{} : not_writable(path);
}

AuditLog::AuditLog(std::string path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {
  if (descriptor_ < 0) return;
  writer_ = std::make_unique<LogWriter>(descriptor_);
  writer_->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
}

AuditLog::~AuditLog() {
  writer_.reset();
  if (descriptor_ >= 0) ::close(descriptor_);
}

// The writer keeps the descriptor's number.
Status AuditLog::reopen() {
  if (descriptor_ < 0) return {};
  const int fresh = open_to_append(path_);
  const bool is_taken = fresh >= 0 && ::dup3(fresh, descriptor_, O_CLOEXEC) >= 0;
  const int error = errno;
  if (fresh >= 0) ::close(fresh);
  if (is_taken) return {};
  return {StatusCode::kUnavailable, "log.audit: cannot open " + in_quotes(path_, 4096) +
                                        " again: " + std::generic_category().message(error) +
                                        "; the audit log goes on in the file that was open"};
}

bool AuditLog::is_too_much(const core::AuditEvent& event, std::uint64_t& left_out) {
  using Kind = core::AuditEvent::Kind;
  // Nobody can make many of these but those who may do everything.
  if (event.kind == Kind::kReloaded || event.kind == Kind::kAdministered) return false;
  std::string key{to_string(event.kind)};
  key.append("\n").append(event.principal).append("\n").append(host_of(event.from));
  const auto now = Clock::now();
  if (alike_.size() >= kAlikeMax && !alike_.contains(key)) {
    std::erase_if(alike_, [&](const auto& one) {
      return now - one.second.since > std::chrono::seconds{1} && one.second.left_out == 0;
    });
    if (alike_.size() >= kAlikeMax) alike_.erase(alike_.begin());
  }
  auto& alike = alike_[key];
  if (now - alike.since >= std::chrono::seconds{1}) {
    alike.since = now;
    alike.count = 0;
  }
  if (++alike.count > kAlikeEachSecond) {
    ++alike.left_out;
    return true;
  }
  left_out = std::exchange(alike.left_out, 0);
  return false;
}

void AuditLog::tell(const core::AuditEvent& event) {
  const std::scoped_lock lock{mutex_};
  std::uint64_t left_out = 0;
  if (is_too_much(event, left_out)) return;
  kept_.push_back(line_of(event, left_out));
  ++last_;
  if (kept_.size() > kKept) kept_.pop_front();
  write(kept_.back());
}

void AuditLog::write(const std::string& line) {
  if (writer_ == nullptr) return spdlog::info("audit {}", line);
  writer_->push({"", spdlog::level::info, line});
}

AuditLog::Page AuditLog::after(std::uint64_t seen, std::size_t count_max) const {
  const std::scoped_lock lock{mutex_};
  Page out;
  const auto first = last_ + 1 - kept_.size();  // of those that are kept
  if (seen > last_) seen = 0;                   // of another start of the node
  out.gap = seen + 1 < first && seen > 0;
  const auto begin = std::max(seen + 1, first) - first;
  for (auto i = begin; i < kept_.size() && out.lines.size() < count_max; ++i) {
    out.lines.push_back(kept_[i]);
  }
  out.next = first + begin + out.lines.size() - 1;
  return out;
}

}  // namespace kvmesh
