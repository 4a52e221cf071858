// tt-eval bench: how fast a model runs under dense, top-k and top-theta attention.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/openmp.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "core/number_list.hpp"
#include "core/parallel.hpp"
#include "report/speed.hpp"
#include "tt_eval/bench_plan.hpp"
#include "tt_eval/commands.hpp"
#include "tt_eval/dry_run.hpp"

namespace toptheta::app {

namespace {

class BenchCommand : public Command {
 public:
  void declare(CLI::App& app) override {
    declare_bench(app, flags_);
    declare_dry_run(app, dry_run_);
    add_format(app, format_, "By default, the ending of -o decides; without -o, a table");
    declare_output(app, output_, "Write to this file instead of standard output");
    app.add_option("--threads", threads_,
                   "Threads; 0 = as OMP_NUM_THREADS says, else all processors. A list such as 1,2,4,8,16 "
                   "runs every workload with each count and shows how the speed grows")
        ->type_name("LIST")
        ->capture_default_str()
        ->group(kCommonGroup);
  }
  void run(Session& session) override;

 private:
  void set_threads(Session& session);
  [[nodiscard]] std::vector<int> counts_for_limits() const;
  SpeedReport measure(Session& session);
  void measure_workload(BenchPlan& plan, const SpeedWorkload& workload, KvCache& cache, Session& session,
                        SpeedReport& report) const;
  [[nodiscard]] Listing estimate(Session& session) const;

  BenchFlags flags_;
  std::string threads_ = "0";
  std::vector<int> counts_{};  // that workloads run with, ascending
  bool dry_run_ = false;
  std::optional<ResultFormat> format_{};
  std::string output_{};
};

// The session runs with the most of them.
void BenchCommand::set_threads(Session& session) {
  constexpr std::int64_t kMost = 4096;
  counts_.clear();
  if (threads_ != "0")
    for (const std::int64_t count : parse_number_list(threads_, "--threads")) {
      if (count > kMost)
        throw UsageError({.where = "--threads",
                          .what = "too many threads",
                          .expected = fmt::format("at most {}", kMost),
                          .found = fmt::format("{}", count)});
      counts_.push_back(static_cast<int>(count));
    }
  if (counts_.empty()) counts_.push_back(session.threads);
  std::sort(counts_.begin(), counts_.end());
  set_thread_count(counts_.back());
  require_threads(counts_.back());
  session.threads = counts_.back();
}

// Those that workloads run with; for one alone the way to it: all up to 4, and then doubled, for each takes a
// second.
std::vector<int> BenchCommand::counts_for_limits() const {
  if (counts_.size() > 1) return counts_;
  std::vector<int> counts;
  for (int count = 1; count < counts_.front(); count = count < 4 ? count + 1 : 2 * count)
    counts.push_back(count);
  counts.push_back(counts_.front());
  return counts;
}

void BenchCommand::measure_workload(BenchPlan& plan, const SpeedWorkload& workload, KvCache& cache,
                                    Session& session, SpeedReport& report) const {
  const std::vector<SpeedCase> cases = cases_of(plan, workload);
  // Every way of selecting once; the kernels are the same at any length.
  if (&workload == &plan.workloads.front())
    for (const SpeedCase& one : cases) {
      const SpeedCheck check = check_attention(plan.model, plan.tokens, one, flags_.kv);
      report.check.rows += check.rows;
      report.check.skipped += check.skipped;
      report.check.largest_error = std::max(report.check.largest_error, check.largest_error);
    }
  std::vector<std::vector<SpeedResult>> by_count;
  for (const int threads : counts_) {
    std::string stage =
        fmt::format("{} {}", workload.phase == Phase::prefill ? "prefill" : "decode at", workload.length);
    if (counts_.size() > 1) stage += fmt::format(" with {} thread{}", threads, threads == 1 ? "" : "s");
    const SpeedOptions options{
        flags_.repetitions, flags_.decode_steps, weight_bytes(flags_.compute),
        [&](std::int64_t done, std::int64_t total) { session.console.progress(stage, done, total, "runs"); }};
    set_thread_count(threads);
    by_count.push_back(measure_speed(plan.model, cache, plan.tokens, workload, cases, options));
    set_thread_count(session.threads);
  }
  for (std::size_t i = 0; i < cases.size(); ++i)
    for (std::vector<SpeedResult>& results : by_count)
      report.results.push_back(std::move(results[i]));
}

SpeedReport BenchCommand::measure(Session& session) {
  BenchPlan plan = resolve_bench(flags_, session);
  session.console.progress("machine limits", 0, 1, "runs");
  SpeedReport report;
  if (counts_.size() > 1) report.thread_counts = counts_;
  const std::vector<int> limit_counts = counts_for_limits();
  report.limits = measure_machine_limits(session.threads, limit_counts);
  report.model = plan.model.config().name;
  report.config = plan.model.config();
  report.compute = name_of(flags_.compute);
  report.kv = name_of(flags_.kv);
  report.rounds_activations = plan.model.rounds_activations();
  report.threads = session.threads;
  report.repetitions = flags_.repetitions;
  KvCache cache = plan.model.new_cache(plan.capacity, prefilter_for(plan.policies), flags_.kv);
  prepare_cache(plan, cache, session);
  for (const SpeedWorkload& workload : plan.workloads)
    measure_workload(plan, workload, cache, session, report);
  keep_larger(report.limits, measure_machine_limits(session.threads, limit_counts));
  // Prefills first, lengths ascending, as people read them.
  std::stable_sort(report.results.begin(), report.results.end(),
                   [](const SpeedResult& a, const SpeedResult& b) {
                     return std::pair(a.workload.phase == Phase::decode, a.workload.length) <
                            std::pair(b.workload.phase == Phase::decode, b.workload.length);
                   });
  report.provenance = session.provenance_of(plan.inputs);
  return report;
}

// By dense attention's rate: thresholds of --kept are fitted only when it is run.
Listing BenchCommand::estimate(Session& session) const {
  BenchPlan plan = resolve_bench(flags_, session);
  DryRun dry("bench", session);
  dry.use(plan.model, flags_.kv);
  const ResolvedPolicy dense = dense_policy(plan.model.config().shape);
  const auto cases = static_cast<double>(plan.kept.empty() ? plan.policies.size()
                                                           : std::max<std::size_t>(plan.kept.size(), 1) *
                                                                 plan.policies.size());
  for (const SpeedWorkload& workload : plan.workloads) {
    const bool prefill = workload.phase == Phase::prefill;
    FedTokens whole;
    FedTokens single;
    if (prefill)
      whole.add(0, workload.length);
    else
      single.add(workload.length, workload.length + flags_.decode_steps);
    // Each case once to be counted and to warm up, and then the repetitions.
    dry.add(prefill ? "prefill" : "decode", fmt::format("{} tokens, {} policies", workload.length, cases),
            dense, whole, single, plan.capacity, cases * static_cast<double>(flags_.repetitions + 1));
  }
  if (plan.deepest > 0) {
    FedTokens fill;
    fill.add(0, plan.deepest);
    dry.add("fill the cache", fmt::format("{} tokens", plan.deepest), dense, fill, {}, plan.capacity);
  }
  dry.hold(cache_bytes(plan.model.config(), plan.capacity, prefilter_for(plan.policies), flags_.kv));
  Listing listing = dry.listing();
  listing.notes.emplace_back(
      "The time of every policy is estimated as that of dense attention. Measuring the machine's limits "
      "takes some seconds more.");
  return listing;
}

void BenchCommand::run(Session& session) {
  set_threads(session);
  bind_threads();
  session.wait_passively();
  const ResultFormat format = format_.value_or(result_format_of(output_));
  for (const std::string& table : flags_.policies.thresholds)
    require_distinct(output_, table, "-o");
  if (dry_run_) return write_output(output_, format_listing(estimate(session), format, layout_of(output_)));
  const SpeedReport report = measure(session);
  session.console.finish();
  write_output(output_, format_listing(speed_listing(report), format, layout_of(output_)));
}

}  // namespace

std::unique_ptr<Command> make_bench_command() {
  return std::make_unique<BenchCommand>();
}

}  // namespace toptheta::app
