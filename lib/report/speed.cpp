#include "report/speed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/json.hpp"

namespace toptheta {

namespace {

using Json = nlohmann::ordered_json;

const std::vector<ListingColumn> kColumns = {{"phase", "phase", false},
                                             {"length", "tokens"},
                                             {"policy", "policy", false},
                                             {"kept_target", "asked (%)", true, 1},
                                             {"tokens_per_second", "tokens/s"},
                                             {"vs_dense", "x dense"},
                                             {"milliseconds", "ms (median)", true, 3},
                                             {"spread", "spread (%)", true, 5},
                                             {"kept_elements", "kept (%)"},
                                             {"v_rows", "V rows (%)"},
                                             {"k_bytes", "K read (MB)", true, 8},
                                             {"v_bytes", "V read (MB)", true, 9},
                                             {"flops_per_second", "useful GFLOP/s", true, 2},
                                             {"flops_of_peak", "of peak (%)", true, 6},
                                             {"bytes_per_second", "GB/s", true, 4},
                                             {"bytes_of_read_rate", "of read rate (%)", true, 7}};

Json percent(double fraction) {
  return json_number(100 * fraction);
}

// The result of the same workload with this policy and number of threads; null if there is none.
const SpeedResult* beside(const SpeedReport& report, const SpeedWorkload& workload, const std::string& policy,
                          int threads) {
  const auto found = std::find_if(report.results.begin(), report.results.end(), [&](const SpeedResult& r) {
    return r.workload.phase == workload.phase && r.workload.length == workload.length && r.policy == policy &&
           r.threads == threads;
  });
  return found == report.results.end() ? nullptr : &*found;
}

// Columns that compare several numbers of threads.
const std::vector<ListingColumn> kScalingColumns = {
    {"threads", "threads"}, {"speed_up", "speed-up"}, {"efficiency", "efficiency (%)"}};

std::vector<Json> scaling_of(const SpeedReport& report, const SpeedResult& result) {
  const SpeedResult* const first =
      beside(report, result.workload, result.policy, report.thread_counts.front());
  if (first == nullptr) return {result.threads, nullptr, nullptr};
  const double speed_up = first->median_seconds() / result.median_seconds();
  return {result.threads, json_number(speed_up),
          percent(speed_up * static_cast<double>(first->threads) / static_cast<double>(result.threads))};
}

std::vector<Json> row_of(const SpeedReport& report, const SpeedResult& result) {
  const auto thread = static_cast<std::size_t>(result.threads - 1);
  const double seconds = result.median_seconds();
  const auto [least, most] = std::minmax_element(result.seconds.begin(), result.seconds.end());
  const SpeedResult* dense = beside(report, result.workload, "dense", result.threads);
  const SpeedWork& work = result.work;
  const double flops = work.flops / seconds;
  const double bytes = (work.weight_bytes + work.k_bytes + work.v_bytes) / seconds;
  const bool prefill = result.workload.phase == Phase::prefill;
  return {name_of(result.workload.phase), result.workload.length, result.policy,
          result.kept_target > 0 ? percent(result.kept_target) : Json(nullptr),
          json_number(static_cast<double>(result.tokens) / seconds),
          dense != nullptr ? json_number(dense->median_seconds() / seconds) : Json(nullptr),
          json_number(1e3 * seconds), percent((*most - *least) / seconds),
          percent(result.counts.kept_elements()), percent(result.counts.v_rows()),
          json_number(work.k_bytes / 1e6), json_number(work.v_bytes / 1e6), json_number(flops / 1e9),
          percent(flops / report.limits.flops[thread]),
          // How much a prefill reads from memory depends on what the caches hold; a decode step reads
          // everything once.
          prefill ? Json(nullptr) : json_number(bytes / 1e9),
          prefill ? Json(nullptr) : percent(bytes / report.limits.read_bytes[thread])};
}

Json model_json(const SpeedReport& report) {
  const ModelConfig& c = report.config;
  return {{"name", report.model},
          {"hidden", c.hidden_size},
          {"layers", c.shape.num_layers},
          {"heads", c.shape.num_heads},
          {"kv_heads", c.shape.num_kv_heads},
          {"head_dim", c.shape.head_dim},
          {"ffn", c.ffn_size},
          {"vocab", c.vocab_size},
          {"non_embedding_parameters", non_embedding_parameters(c)}};
}

Json limits_json(const MachineLimits& limits) {
  Json flops = Json::array();
  Json bytes = Json::array();
  for (const double rate : limits.flops)
    flops.push_back(json_number(rate / 1e9));
  for (const double rate : limits.read_bytes)
    bytes.push_back(json_number(rate / 1e9));
  return {{"instruction_set", limits.instruction_set},
          {"products", limits.products},
          {"fp32_gflops_by_threads", flops},
          {"read_gbytes_by_threads", bytes}};
}

Json samples_json(const SpeedReport& report) {
  Json all = Json::array();
  for (const SpeedResult& result : report.results) {
    Json samples = Json::array();
    for (const double s : result.seconds)
      samples.push_back(json_number(s));
    all.push_back(std::move(samples));
  }
  return all;
}

std::string heading_of(const SpeedReport& report) {
  std::string text = fmt::format(
      "{}: {:.1f} M parameters without embeddings, {}, KV {}, {} threads, {}\nproducts: {}\n", report.model,
      static_cast<double>(non_embedding_parameters(report.config)) / 1e6, report.compute, report.kv,
      report.thread_counts.empty() ? fmt::format("{}", report.threads)
                                   : fmt::format("{}", fmt::join(report.thread_counts, ", ")),
      report.limits.instruction_set, report.limits.products);
  for (std::size_t t = 0; t < report.limits.flops.size(); ++t)
    if (!std::isnan(report.limits.flops[t]))
      text += fmt::format("limit at {} thread{}: {:.0f} GFLOP/s fp32, {:.1f} GB/s read\n", t + 1,
                          t == 0 ? "" : "s", report.limits.flops[t] / 1e9, report.limits.read_bytes[t] / 1e9);
  return text + fmt::format("checked: {} attention rows, largest difference {:.1g} of the largest |V|",
                            report.check.rows, report.check.largest_error);
}

}  // namespace

Listing speed_listing(const SpeedReport& report) {
  Listing listing;
  listing.schema = "toptheta.bench/1";
  listing.heading = heading_of(report);
  listing.about = {{"model", model_json(report)},
                   {"machine", limits_json(report.limits)},
                   {"compute", report.compute},
                   {"kv", report.kv},
                   {"rounds_activations", report.rounds_activations},
                   {"repetitions", report.repetitions},
                   {"check",
                    {{"rows", report.check.rows},
                     {"skipped", report.check.skipped},
                     {"largest_error", json_number(report.check.largest_error)}}},
                   {"seconds", samples_json(report)},
                   {"threads", report.threads},
                   {"provenance", json_of(report.provenance)}};
  listing.columns = kColumns;
  for (const SpeedResult& result : report.results)
    listing.rows.push_back(row_of(report, result));
  if (!report.thread_counts.empty()) {
    listing.about["thread_counts"] = report.thread_counts;
    listing.columns.insert(listing.columns.end(), kScalingColumns.begin(), kScalingColumns.end());
    for (std::size_t i = 0; i < listing.rows.size(); ++i)
      for (Json& cell : scaling_of(report, report.results[i]))
        listing.rows[i].push_back(std::move(cell));
  }
  listing.notes = {
      "prefill: `tokens` at once, with the logits of the last one; decode: one token, with `tokens` in the "
      "cache",
      "useful FLOP: per token 2 x parameters without embeddings, per layer 2 d for each score and each kept "
      "element, and the logits computed",
      "GB/s: all weights, visible keys and needed V rows once per step"};
  return listing;
}

}  // namespace toptheta
