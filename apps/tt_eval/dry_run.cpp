#include "tt_eval/dry_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "common/common_flags.hpp"
#include "eval/session.hpp"
#include "report/json.hpp"

namespace toptheta::app {

namespace {

std::string time_text(double seconds) {
  if (seconds < 100) return fmt::format("{:.1f} s", seconds);
  if (seconds < 6000) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string size_text(double bytes) {
  if (bytes < 1e9) return fmt::format("{:.1f} MB", bytes / 1e6);
  return fmt::format("{:.2f} GB", bytes / 1e9);
}

}  // namespace

void declare_dry_run(CLI::App& app, bool& dry_run) {
  app.add_flag("--dry-run", dry_run,
               "Only print what would run, how much memory it needs and how long it takes, estimated by a "
               "short probe of the model")
      ->group(kOutputGroup);
}

void DryRun::use(Transformer& model, KvType kv) {
  if (model_ != &model || kv_ != kv) probes_.clear();
  model_ = &model;
  kv_ = kv;
  weights_ = std::max(weights_, static_cast<double>(model.weight_size().bytes));
}

void DryRun::count(Row& row, const ResolvedPolicy& policy, Phase phase, const FedTokens& fed,
                   std::int64_t longest, double times) {
  if (fed.tokens == 0) return;
  const std::string key = fmt::format("{} {}", name_of(phase), describe(policy.policy()));
  const auto [probe, is_new] = probes_.emplace(key, SpeedProbe{});
  if (is_new) {
    session_.console.progress("probing", std::ssize(probes_), 0, "policies");
    probe->second = probe_speed(*model_, policy, phase, kv_, longest);
    probed_ = std::max(probed_, probe->second.tokens);
  }
  const double flops = times * forward_flops(model_->config(), fed);
  row.tokens += times * fed.tokens;
  row.flops += flops;
  row.seconds += probe->second.seconds_for(flops);
}

void DryRun::add(const std::string& name, const std::string& what, const ResolvedPolicy& policy,
                 const FedTokens& whole, const FedTokens& single, std::int64_t longest, double times) {
  Row row{name, what, describe(policy.policy())};
  count(row, policy, Phase::prefill, whole, longest, times);
  count(row, policy, Phase::decode, single, longest, times);
  rows_.push_back(std::move(row));
}

void DryRun::hold(double bytes) {
  held_ = std::max(held_, bytes);
}

void DryRun::add_task(const Task& task, const TaskCheck& check, const EvaluationOptions& options,
                      std::span<const PolicyPlan> policies, std::span<const std::string> names) {
  const bool single = options.phase == Phase::decode;
  const bool own_caches = task.kind() == TaskKind::text;
  std::set<Prefilter> prefilters;
  double caches = 0;
  for (std::size_t p = 0; p < policies.size(); ++p) {
    const ResolvedPolicy& policy = policies[p].policy;
    FedTokens decoded = check.decoded;
    if (single) decoded.add(check.fed);
    add(names.empty() ? task.name : names[p], fmt::format("{} examples", task.size()), policy,
        single ? FedTokens{} : check.fed, decoded, check.longest);
    const Prefilter prefilter = policy.policy().prefilter;
    if (own_caches || prefilters.insert(prefilter).second)
      caches += cache_bytes(model_->config(), check.longest, prefilter, options.kv);
  }
  // The logits of a piece, and dense's of the same tokens.
  hold(caches + 8.0 * static_cast<double>(PolicySession::kPiece * model_->config().vocab_size));
}

Listing DryRun::listing() const {
  session_.console.finish();
  Listing listing;
  listing.schema = "toptheta.dry-run/1";
  double seconds = 0;
  for (const Row& row : rows_)
    seconds += row.seconds;
  const double peak = std::max(peak_memory(), weights_) + held_;
  listing.heading = fmt::format(
      "tt-eval {} would make {} runs in about {} with {} threads, plus loading\nmemory: {} of weights, {} of "
      "caches and logits, about {} at the peak",
      command_, rows_.size(), time_text(seconds), session_.threads, size_text(weights_), size_text(held_),
      size_text(peak));
  listing.about = {{"command", command_},
                   {"runs", rows_.size()},
                   {"seconds", json_number(seconds)},
                   {"threads", session_.threads},
                   {"weight_bytes", json_number(weights_)},
                   {"cache_bytes", json_number(held_)},
                   {"peak_bytes", json_number(peak)},
                   {"estimated_by", "operations, and a probe under each policy"},
                   {"probe_tokens", probed_}};
  listing.columns = {{"name", "name", false}, {"what", "what", false, 2},  {"policy", "policy", false},
                     {"tokens", "tokens"},    {"gflop", "GFLOP", true, 1}, {"seconds", "seconds"}};
  for (const Row& row : rows_)
    listing.rows.push_back({row.name, row.what, row.policy, std::llround(row.tokens),
                            json_number(row.flops / 1e9), json_number(row.seconds)});
  listing.notes.push_back(
      fmt::format("The time is the number of operations of all tokens, as under dense attention, at the "
                  "speed of a pass of up to {} random tokens under each policy. Expect it to be right within "
                  "a factor of 1.5; other work on the machine adds to it.",
                  probed_));
  return listing;
}

}  // namespace toptheta::app
