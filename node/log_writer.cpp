#include "node/log_writer.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <system_error>
#include <utility>

#include <spdlog/details/os.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/sink.h>
#include <spdlog/spdlog.h>

namespace kvmesh {
namespace {

constexpr int kStopCheckMs = 20;
constexpr std::chrono::milliseconds kLastLines{200};
constexpr std::string_view kNoColor = "\033[m";
constexpr std::array<std::string_view, spdlog::level::n_levels> kColors = {
    "\033[37m",        "\033[36m",        "\033[32m", "\033[33m\033[1m",
    "\033[31m\033[1m", "\033[1m\033[41m", ""};

// SIGPIPE and SIGXFSZ come to the thread that writes, and would end the process; SIGTTOU would stop
// it. The others are for the program's threads.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

// Hands lines to the writer. Without spdlog's own lock: the writer needs none.
class WriterSink final : public spdlog::sinks::sink {
 public:
  explicit WriterSink(LogWriter& writer) : writer_(writer) {}
  void log(const spdlog::details::log_msg& message) override { writer_.push(message); }
  void flush() override {}
  void set_pattern(const std::string& pattern) override {
    set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern));
  }
  void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override {
    writer_.set_formatter(std::move(formatter));
  }

 private:
  LogWriter& writer_;
};

std::string lines_lost(std::uint64_t count) {
  return count == 1 ? "1 log line was lost" : std::to_string(count) + " log lines were lost";
}

// Never destroyed: its thread may wait for a reader of the log when the process ends.
LogWriter& process_writer() {
  static auto* const writer = new LogWriter{STDERR_FILENO};  // NOLINT: see above
  return *writer;
}

}  // namespace

LogWriter::LogWriter(int descriptor)
    : descriptor_(descriptor),
      has_colors_(::isatty(descriptor) != 0 && spdlog::details::os::is_color_terminal()),
      formatter_(std::make_unique<spdlog::pattern_formatter>()),
      thread_([this] { run(); }) {}

LogWriter::~LogWriter() {
  stop_ = true;
  pushed_.fetch_add(1);
  pushed_.notify_one();
  thread_.join();
}

void LogWriter::push(const spdlog::details::log_msg& message) {
  const auto bytes = message.payload.size();
  const auto before = queued_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  Line line{message.time, message.level, {}, refused_.load(std::memory_order_relaxed)};
  if (before == 0 || before + bytes <= kBytesMax) {
    line.text.assign(message.payload.data(), bytes);
    if (queue_.push(line)) {
      pushed_.fetch_add(1);
      return pushed_.notify_one();
    }
  }
  queued_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  refused_.fetch_add(1, std::memory_order_relaxed);
}

void LogWriter::set_formatter(std::unique_ptr<spdlog::formatter> formatter) {
  const std::scoped_lock lock{formatter_mutex_};
  formatter_ = std::move(formatter);
}

bool LogWriter::drain(std::chrono::milliseconds limit) {
  const auto target = pushed_.load();
  const auto until = std::chrono::steady_clock::now() + limit;
  while (static_cast<std::int32_t>(target - done_.load()) > 0) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

void LogWriter::run() {
  block_signals();
  for (;;) {
    const auto seen = pushed_.load();
    if (const auto line = queue_.pop()) {
      queued_bytes_.fetch_sub(line->text.size(), std::memory_order_relaxed);
      write_line(*line);
      done_.fetch_add(1);
      continue;
    }
    // The reader has come back, and nothing else may be logged for long.
    if (failed_ == 0) (void)tell_losses(refused_.load(std::memory_order_relaxed));
    if (stop_) return;
    pushed_.wait(seen);
  }
}

void LogWriter::write_line(const Line& line) {
  if (tell_losses(line.refused_before) && write_formatted(line)) return;
  ++failed_;
  failure_ = errno;
}

// Where in the log they were lost. False when that cannot be written either.
bool LogWriter::tell_losses(std::uint64_t refused) {
  const auto tell = [this](std::string text) {
    return write_formatted({spdlog::log_clock::now(), spdlog::level::warn, std::move(text), 0});
  };
  if (failed_ > 0) {
    if (!tell(lines_lost(failed_) + ": " + std::generic_category().message(failure_))) return false;
    failed_ = 0;
  }
  if (refused == refused_told_) return true;
  if (!tell(lines_lost(refused - refused_told_) + ": they came faster than they were read")) {
    return false;
  }
  refused_told_ = refused;
  return true;
}

bool LogWriter::write_formatted(const Line& line) {
  spdlog::details::log_msg message{line.time, {}, {}, line.level, line.text};
  spdlog::memory_buf_t formatted;
  {
    const std::scoped_lock lock{formatter_mutex_};
    formatter_->format(message, formatted);
  }
  const std::string_view all{formatted.data(), formatted.size()};
  const auto begin = std::min(message.color_range_start, all.size());
  const auto end = std::clamp(message.color_range_end, begin, all.size());
  std::string text = is_cut_ ? "\n" : "";
  if (has_colors_ && begin < end) {
    text.append(all.substr(0, begin)).append(kColors.at(static_cast<std::size_t>(line.level)));
    text.append(all.substr(begin, end - begin)).append(kNoColor).append(all.substr(end));
  } else {
    text.append(all);
  }
  return write(text);
}

// False with errno.
bool LogWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!await_room()) {
      errno = ETIMEDOUT;
      return false;
    }
    // A pipe with room takes so much at once, so this thread seldom waits here, where nobody could
    // tell it to stop.
    const auto count =
        ::write(descriptor_, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
    if (count < 0) {
      if (errno != EAGAIN && errno != EINTR) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds{kStopCheckMs});
      continue;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
    is_cut_ = !bytes.empty();
  }
  return true;
}

// False when it was told to stop and there is none.
bool LogWriter::await_room() const {
  pollfd room{descriptor_, POLLOUT, 0};
  for (;;) {
    const bool last_try = stop_;
    if (::poll(&room, 1, last_try ? 0 : kStopCheckMs) != 0) return true;
    if (last_try) return false;
  }
}

// The logger is the program's default one, so that a program with a logger of its own may set that
// again afterwards.
void start_log(const std::string& pattern, const std::string& level) {
  auto logger = spdlog::get("kvmesh");
  if (!logger) {
    logger =
        std::make_shared<spdlog::logger>("kvmesh", std::make_shared<WriterSink>(process_writer()));
    spdlog::register_logger(logger);
  }
  logger->set_pattern(pattern);
  logger->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(std::move(logger));
}

void drain_log() { (void)process_writer().drain(kLastLines); }

}  // namespace kvmesh
