#include "client/command/transfer/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "client/command/base/numbers.h"

namespace kvmesh::command {

namespace {

constexpr std::size_t kBarColumns = 24;

std::string bar(double part) {
  const auto full = static_cast<std::size_t>(part * static_cast<double>(kBarColumns));
  std::string text = "[" + std::string(full, '=');
  if (full < kBarColumns) text += '>' + std::string(kBarColumns - full - 1, ' ');
  return text + "]";
}

std::string time_left(const Progress& progress, double part) {
  if (part >= 1) return "";
  // In the first moments nothing can be said.
  if (part <= 0 || progress.elapsed < std::chrono::milliseconds{300}) return "";
  const double left = static_cast<double>(progress.elapsed.count()) * (1 - part) / part;
  const double seconds = std::ceil(left / 1e6);
  if (seconds > 1e6) return "";
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole < 60) return std::to_string(whole) + " s left";
  return duration_text(std::chrono::seconds{whole}) + " left";
}

}  // namespace

std::uint64_t rate_per_second(std::uint64_t records, std::chrono::microseconds elapsed) {
  const double seconds = static_cast<double>(std::max<std::int64_t>(elapsed.count(), 1000)) / 1e6;
  return static_cast<std::uint64_t>(std::llround(static_cast<double>(records) / seconds));
}

std::string progress_line(const Progress& progress, std::size_t width) {
  std::string text;
  std::string tail;
  if (progress.bytes_total && *progress.bytes_total > 0) {
    const double part = std::min(
        1.0, static_cast<double>(progress.bytes) / static_cast<double>(*progress.bytes_total));
    text = bar(part) + " " + std::to_string(static_cast<int>(part * 100)) + "%  ";
    tail = time_left(progress, part);
  }
  text += grouped(progress.records) + " records  " +
          grouped(rate_per_second(progress.records, progress.elapsed)) + "/s";
  if (progress.failed > 0) text += "  " + grouped(progress.failed) + " failed";
  if (!tail.empty()) text += "  " + tail;
  return text.substr(0, width);
}

std::string summary_line(const Summary& summary) {
  return std::string{summary.verb} + " " + std::to_string(summary.records) +
         (summary.records == 1 ? " record " : " records ") + std::string{summary.preposition} +
         " " + std::to_string(summary.buckets) +
         (summary.buckets == 1 ? " bucket in " : " buckets in ") +
         decimal(static_cast<double>(summary.elapsed.count()) / 1e6, 1) + " s (" +
         std::to_string(rate_per_second(summary.records, summary.elapsed)) + "/s), " +
         std::to_string(summary.failed) + " failed" +
         (summary.lost > 0 ? ", " + std::to_string(summary.lost) + " lost" : "");
}

Value summary_json(const Summary& summary) {
  const double milliseconds = std::round(static_cast<double>(summary.elapsed.count()) / 1e3);
  Value::Map out{{"records", summary.records},
                 {"buckets", summary.buckets},
                 {"failed", summary.failed},
                 {"seconds", milliseconds / 1e3}};
  if (!summary.restarted.empty()) {
    Value::List restarted;
    for (const auto& node : summary.restarted) restarted.emplace_back(Bytes{node});
    out.emplace_back("restarted", std::move(restarted));
  }
  if (summary.lost > 0) out.emplace_back("lost", summary.lost);
  return out;
}

namespace {

constexpr std::chrono::milliseconds kShowPause{100};

std::size_t terminal_width() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

ProgressDisplay::ProgressDisplay(bool wanted) : active_(wanted && isatty(STDERR_FILENO) != 0) {}

void ProgressDisplay::show(const Progress& progress, Time now) {
  if (!active_ || now < next_) return;
  next_ = now + kShowPause;
  drawn_ = true;
  std::fprintf(stderr, "\r%s\x1b[K", progress_line(progress, terminal_width() - 1).c_str());
}

void ProgressDisplay::clear() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
  drawn_ = false;
}

}  // namespace kvmesh::command
