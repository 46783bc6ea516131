#include "node/tasks/host.h"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>
#include <variant>

#include "common/operation_codec.h"
#include "common/wire/value_codec.h"
#include "node/tasks/bodies.h"
#include "node/tasks/crash_report.h"

namespace kvmesh::tasks {
namespace {

constexpr ProcessId kFirstIdMask = (ProcessId{1} << 48) - 1;  // long enough, and pids stay short
constexpr std::size_t kEventsBetweenLooks = 64;               // at the clock
constexpr std::size_t kBatchKept = 65536;                     // events whose memory is kept
constexpr std::chrono::microseconds kPatience{100};  // some hundred small bodies run in that time
constexpr std::chrono::minutes kZoneKept{1};
constexpr std::size_t kWorkersNamed = 8;              // in one line of the log
constexpr std::chrono::milliseconds kLastMoment{50};  // for bodies that notice that nothing waits

TimePoint clock_now() { return std::chrono::steady_clock::now(); }

Processes::Options options_of(const Host::Options& options, ProcessId first_id) {
  Processes::Options out;
  out.self = options.self;
  out.first_id = first_id;
  out.time_limit = options.settings.time_limit;
  out.processes_max = options.settings.processes_max;
  return out;
}

}  // namespace

Host::Host(Options options)
    : options_(std::move(options)),
      processes_(options_of(options_, (secrets_.next() & kFirstIdMask) | 1), *this),
      watch_({options_.self, options_.peers, (secrets_.next() & kFirstIdMask) | 1}, *this) {}

Host::~Host() {
  for (const auto& [id, execution] : executions_) execution->abandon();
}

Status Host::load(Module module) { return catalogue_.add(std::move(module)); }

void Host::attach(core::Core& core, std::uint32_t adapter, std::function<void()> wake) {
  core_ = &core;
  adapter_ = adapter;
  events_.on_sleeper(std::move(wake));
}

void Host::start(TimePoint now) {
  now_ = std::max(now_, now);
  if (catalogue_.empty()) return;
  const auto& settings = options_.settings;
  FiberPool::Options pool;
  pool.workers = settings.workers;
  pool.stack_bytes = settings.stack_bytes;
  pool.queue_max = settings.queue_max;
  pool.fibers_max = settings.processes_max;
  pool.patience = kPatience;
  pool.busy_poll = options_.busy_poll;
  name_in_crashes(options_.self.str());
  pool_ = std::make_unique<FiberPool>(pool);
  starting_.emplace(*pool_);
  add_supervised();
  processes_.start_supervised(now_);
}

// The names were checked when the modules were loaded.
void Host::add_supervised() {
  for (std::uint32_t i = 0; i < catalogue_.servers(); ++i) {
    const auto& server = catalogue_.at(ServerIndex{i});
    const auto status = processes_.add_server(server.name, {i}, server.policy);
    if (!status.ok()) report("a server is not started: " + status.text());
  }
  std::map<std::string, int> times;
  for (const auto& module : catalogue_.modules()) {
    for (const auto& task : module.permanent_tasks()) {
      wire::Buffer args;
      auto status = wire::pack_value(args, task.args);
      const auto time = ++times[task.function];
      auto name = time == 1 ? task.function : task.function + " " + std::to_string(time);
      if (status.ok()) {
        status = processes_.add_task(
            std::move(name),
            {*catalogue_.find(task.function), task.function, std::string{args.view()}},
            task.policy);
      }
      if (!status.ok()) report("a permanent task is not started: " + status.text());
    }
  }
}

bool Host::receive(TimePoint now) {
  now_ = std::max(now_, now);
  if (starting_) starting_->flush();
  if (handled_ == batch_.size()) {
    batch_.clear();
    handled_ = 0;
    if (batch_.capacity() > kBatchKept) batch_.shrink_to_fit();
    events_.take(batch_);
  }
  if (handled_ < batch_.size()) handle_events();
  processes_.flush(now_);
  if (pool_ != nullptr) pool_->check_patience();
  watch_.flush();
  if (starting_) starting_->flush();
  size_.store(processes_.size(), std::memory_order_relaxed);
  return handled_ < batch_.size();
}

void Host::handle_events() {
  const auto until = clock_now() + core::kPassTimeMax;
  bool late = false;
  while (handled_ < batch_.size() && !late) {
    std::visit([this](auto& event) { handle(event); }, batch_[handled_++]);
    late = handled_ % kEventsBetweenLooks == 0 && clock_now() > until;
  }
}

void Host::tick(TimePoint now) {
  now_ = std::max(now_, now);
  // A worker may have found a call late: that is its answer, before the core gives one.
  (void)receive(now_);
  processes_.on_tick(now_);
  watch_.on_tick(now_);
  alarms_.ring(now_);
  if (pool_ != nullptr) look_at_pool();
  if (pool_ != nullptr && now_ >= next_look_at_zone_) {
    next_look_at_zone_ = now_ + kZoneKept;
    note_local_time();
  }
  while (!later_.empty() && later_.begin()->first <= now_) {
    ask(std::move(later_.extract(later_.begin()).mapped()));
  }
}

void Host::look_at_pool() {
  const auto progress = pool_->progress();
  if (busy_workers_.look(progress, now_)) {
    const auto waiting = progress.pushed - progress.popped;
    report("all " + std::to_string(pool_->workers()) + " workers of tasks are busy, and " +
           std::to_string(waiting) + (waiting == 1 ? " task has" : " tasks have") +
           " waited for one, the first for a second or longer; on the workers: " +
           who_is_on_workers() +
           "; a task that computes or blocks keeps its worker until it ends or waits in receive(), "
           "await() or call(): raise tasks.workers");
  }
  if (!unguarded_said_ && pool_->unguarded_stacks() > 0) {
    unguarded_said_ = true;
    report(
        "tasks now run on stacks without a guard, as the system allows no more of them: one that "
        "overruns its " +
        std::to_string(pool_->stack_bytes()) +
        " bytes (tasks.stack_bytes) is noticed only after it may have changed another's memory; "
        "raise vm.max_map_count (sysctl), or use Linux 6.13 or later");
  }
}

// As far as it is known at this moment.
std::string Host::who_is_on_workers() const {
  std::string who;
  std::size_t named = 0;
  const auto ids = pool_->on_workers();
  for (const auto id : ids) {
    const auto found = executions_.find(id);
    if (found == executions_.end()) continue;
    if (++named > kWorkersNamed) continue;
    const auto& its = *found->second;
    who.append(who.empty() ? "" : ", ").append(its.body().name() + " " + its.pid().to_string());
  }
  if (named > kWorkersNamed) who += " and " + std::to_string(named - kWorkersNamed) + " more";
  return who.empty() ? "nothing that lasts" : who;
}

Host::News Host::news() const {
  if (!events_.has_some()) return News::kNone;
  return pool_ != nullptr && pool_->is_behind() ? News::kGathering : News::kSome;
}

bool Host::may_sleep() {
  if (pool_ != nullptr) pool_->hurry();
  return events_.may_sleep();
}

TimePoint Host::now() { return now_ = std::max(now_, clock_now()); }

void Host::reply(const core::Origin& origin, const ReplyView& reply) {
  const auto done = own_requests_.take(origin.request);
  done(outcome_of(reply));
}

void Host::stop(TimePoint now) {
  now_ = std::max(now_, now);
  processes_.stop_all(now_);
  watch_.stop();
}

std::vector<std::string> Host::close() {
  std::vector<std::string> names;
  if (pool_ == nullptr) return names;
  starting_->flush();
  for (const auto& [id, execution] : executions_) execution->abandon();
  pool_->hurry();
  for (const auto until = clock_now() + kLastMoment;
       pool_->counts().existing > 0 && clock_now() < until;) {
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  if (pool_->counts().existing == 0) return names;
  std::vector<Event> events;
  events_.take(events);
  for (const auto& event : events) {
    if (const auto* exited = std::get_if<Exited>(&event)) executions_.erase(exited->id);
  }
  for (const auto& [id, execution] : executions_) {
    if (!execution->has_begun()) continue;
    names.push_back(execution->body().name() + " " + execution->pid().to_string());
  }
  std::ranges::sort(names);
  return names;
}

Host::Counts Host::counts() const {
  Counts counts;
  counts.processes = size_.load(std::memory_order_relaxed);
  if (pool_ == nullptr) return counts;
  const auto fibers = pool_->counts();
  counts.queued = fibers.waiting_to_begin;
  counts.waiting = fibers.parked;
  counts.running = fibers.existing - std::min(fibers.existing, counts.queued + counts.waiting);
  return counts;
}

// ---- What Processes asks for.

Status Host::run(ProcessId id, Execution::Body body) {
  auto execution = std::make_unique<Execution>(
      Execution::Shared{options_.self.str(), events_, alarms_}, id, std::move(body));
  auto& its = *execution;
  executions_.emplace(id, std::move(execution));
  auto status = starting_->start([&its] { run_body(its); });
  if (!status.ok()) executions_.erase(id);
  return status;
}

Status Host::start(TaskStart task) {
  return run(task.id, {&catalogue_.at(task.function), nullptr, std::move(task.args), task.deadline,
                       task.traced, std::move(task.from)});
}

Status Host::start_server(ProcessId id, ServerIndex server) {
  return run(id, {nullptr, &catalogue_.at(server), {}, TimePoint::max(), {}, {}});
}

void Host::deliver(ProcessId id, Delivery delivery) {
  if (delivery.ticket) core_->on_begun(*delivery.ticket);
  executions_.at(id)->deliver(std::move(delivery));
}

bool Host::take_back(ProcessId id) { return executions_.at(id)->take_back(); }

void Host::stop(ProcessId id, std::string_view /*why*/) { executions_.at(id)->stop(); }

void Host::give_credit(ProcessId id, std::size_t bytes) { executions_.at(id)->give_credit(bytes); }

bool Host::has_begun(ProcessId id) const {
  const auto found = executions_.find(id);
  return found != executions_.end() && found->second->has_begun();
}

bool Host::has_taken(ProcessId id) const {
  const auto found = executions_.find(id);
  return found == executions_.end() || !found->second->has_delivery();
}

bool Host::is_parked(ProcessId id) const {
  const auto found = executions_.find(id);
  return found != executions_.end() && found->second->is_parked();
}

bool Host::forestall(ProcessId id) { return executions_.at(id)->forestall(); }

Host::Workers Host::workers() const {
  if (pool_ == nullptr) return {};
  return {pool_->on_workers().size(), pool_->workers()};
}

void Host::answer(Ticket ticket, const Status& outcome, std::string_view result) {
  core_->complete(ticket, outcome, result);
}

// ---- What bodies say.

void Host::handle(Began& event) { core_->on_begun(event.request, event.at); }

void Host::handle(Exited& event) {
  const auto& execution = *executions_.at(event.id);
  // A worker came to it at its deadline, before the tick that ends its limit and forestalls it.
  if (execution.is_late()) processes_.on_tick(now());
  // Processes has forgotten one that was forestalled.
  if (!execution.is_forestalled()) {
    processes_.on_exit(event.id, std::move(event.status), event.result, now_);
  }
  executions_.erase(event.id);
}

void Host::handle(Wrote& event) { processes_.on_output(event.id, event.stream, event.bytes); }

void Host::handle(Waits& event) { processes_.on_wait(event.id, event.until, now_); }

void Host::handle(Handled& event) {
  if (event.call) handle(*event.call);
  processes_.on_server_answer(event.id, event.status, event.result, now_);
}

void Host::handle(WantsTimer& event) {
  auto status = processes_.on_timer(event.id, event.after, std::move(event.body), now_);
  executions_.at(event.id)->answer_timer(std::move(status));
}

void Host::handle(Notice& event) {
  const auto status = processes_.send(event.to, std::move(*event.message), now_);
  if (status.code() == StatusCode::kOverloaded) report("a notice was dropped: " + status.text());
}

void Host::handle(Asks& event) {
  if (event.due <= now_) return ask(std::move(event));
  later_.emplace(event.due, std::move(event));
}

void Host::ask(Asks event) {
  auto request = event.operation->view();
  request.id = own_requests_.add(std::move(event.done));
  const core::Origin origin{adapter_, 0, request.id};
  asks_itself_ = true;
  core_->on_request(origin, request, now_);
  asks_itself_ = false;
}

}  // namespace kvmesh::tasks
