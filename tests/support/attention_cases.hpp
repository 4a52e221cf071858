// Every policy of attention over an AttentionWorld, and how one row of each is checked against the
// double-precision version.
#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "support/attention_world.hpp"
#include "support/catch.hpp"

namespace toptheta::testing {

inline constexpr std::int64_t kK = 5;
inline constexpr double kOfflineM = 0.75;
inline constexpr double kRho = 0.375;

struct AttentionCase {
  Policy policy;
  NaiveRule rule;
  double pre_theta = 1.201;  // some percent of the keys
  bool by_head = false;      // every head has a k of its own
};

inline std::vector<AttentionCase> all_cases() {
  std::vector<AttentionCase> cases{{Policy{}, NaiveRule{}}};
  for (const bool vmc : {false, true})
    for (const Sdc sdc : {Sdc::none, Sdc::exact, Sdc::exp_threshold, Sdc::offline, Sdc::calibrated}) {
      const NaiveRule rule{"theta",   false, std::string(name_of(sdc)), 0.5, vmc, false, kK, 0,
                           kOfflineM, kRho};
      const Policy policy{.selection = Selection::theta, .sdc = sdc, .sdc_scale = 0.5, .vmc = vmc, .k = kK};
      cases.push_back({policy, rule});
      cases.push_back({policy, rule, 0.0003});   // about half of the keys
      cases.push_back({policy, rule, -1.2003});  // nearly all
      cases.push_back({policy, rule});
      cases.back().policy.cap_k = cases.back().rule.cap_k = true;
      if (sdc == Sdc::exp_threshold || sdc == Sdc::calibrated) continue;
      cases.push_back({policy, rule});
      cases.back().policy.selection = Selection::topk;
      cases.back().rule.selection = "topk";
    }
  for (std::size_t i = 0; i < 8; ++i) {
    cases.push_back(cases[3 * i + 1]);
    if (cases.back().policy.selection == Selection::theta) cases.back().by_head = true;
  }
  for (const bool vmc : {false, true})
    for (const Selection selection : {Selection::theta, Selection::topk})
      cases.push_back(
          {{.selection = selection, .placement = Placement::post_softmax, .vmc = vmc, .k = kK},
           {std::string(name_of(Policy{.selection = selection})), true, "none", 1, vmc, false, kK}});
  // Calibrated SDC with a law in place of rho.
  const std::size_t without_law = cases.size();
  for (std::size_t i = 0; i < without_law; ++i) {
    if (cases[i].policy.sdc != Sdc::calibrated || cases[i].by_head) continue;
    cases.push_back(cases[i]);
    cases.back().rule.rho_law = {-2.5, -0.25, 0.5};
  }
  return cases;
}

// Running-softmax placement, with `keep` first and twice as many recent positions kept in any case.
inline AttentionCase running_case(Sdc sdc, bool vmc, std::int64_t keep) {
  AttentionCase c{{.selection = Selection::theta,
                   .placement = Placement::running_softmax,
                   .sdc = sdc,
                   .sdc_scale = 0.5,
                   .vmc = vmc,
                   .k = kK},
                  {"theta", true, std::string(name_of(sdc)), 0.5, vmc, false, kK, 0, kOfflineM, kRho}};
  c.rule.running = true;
  c.policy.keep_first = c.rule.keep_first = keep;
  c.policy.keep_recent = c.rule.keep_recent = 2 * keep;
  return c;
}

// The same with positions that are kept in any case, and running-softmax placement with and without them.
inline std::vector<AttentionCase> keeping_cases() {
  std::vector<AttentionCase> cases;
  for (AttentionCase c : all_cases()) {
    if (c.policy.selection == Selection::dense) continue;
    c.policy.keep_first = c.rule.keep_first = 3;
    c.policy.keep_recent = c.rule.keep_recent = 9;
    cases.push_back(c);
  }
  for (const std::int64_t keep : {0, 20})
    for (const bool vmc : {false, true})
      for (const Sdc sdc : {Sdc::none, Sdc::calibrated})
        cases.push_back(running_case(sdc, vmc, keep));
  return cases;
}

inline double theta_of(const AttentionCase& c, std::int64_t head, std::int64_t n) {
  return c.rule.post_softmax ? (0.9 + 0.3 * static_cast<double>(head)) / static_cast<double>(n)
                             : c.pre_theta + 0.1 * static_cast<double>(head);
}

inline std::int64_t k_of(const AttentionCase& c, std::int64_t head) {
  return c.by_head ? kK + 90 * head : kK;
}

inline ResolvedPolicy resolve(const AttentionWorld& world, const AttentionCase& c) {
  ThresholdTable table = world.table(
      c.policy.placement, kK, [&](std::int64_t head, std::int64_t n) { return theta_of(c, head, n); },
      kOfflineM, kRho);
  for (std::int64_t head = 0; c.by_head && head < world.shape().num_heads; ++head)
    table.targets[0].head_k.push_back(k_of(c, head));
  if (const std::vector<double>& law = c.rule.rho_law; !law.empty())
    table.targets[0].rho_laws.assign(table.targets[0].cells.size(), {law[0], law[1], law[2]});
  return ResolvedPolicy(c.policy, world.shape(), world.rows(), &table, "test");
}

// One row as a decode step: the same bytes as in the prefill, and the counts of the double-precision version.
inline void check_step(const AttentionWorld& world, const AttentionCase& c, const ResolvedPolicy& policy,
                       std::int64_t i, const float* prefilled) {
  SequenceCounts counts(world.shape(), world.rows(), Phase::decode);
  const std::vector<float> out = world.attend(policy, i, 1, {&counts, nullptr});
  if (!c.rule.running) REQUIRE(std::equal(out.begin(), out.end(), prefilled));
  const AttentionCounts totals = counts.totals();
  const std::int64_t n = world.row_length(i);
  const std::int64_t group = world.shape().num_heads / world.shape().num_kv_heads;
  for (std::int64_t g = 0; g < world.shape().num_kv_heads; ++g) {
    std::vector<bool> needed(static_cast<std::size_t>(i + 1));
    for (std::int64_t h = g * group; h < (g + 1) * group; ++h) {
      NaiveRule rule = c.rule;
      rule.running = false;  // a decode step has the whole denominator
      rule.theta = theta_of(c, h, n);
      rule.k = k_of(c, h);
      const NaiveRow expected = world.naive(h, i, rule);
      double largest_difference = 0;
      for (std::size_t d = 0; d < expected.out.size(); ++d)
        largest_difference = std::max(
            largest_difference,
            std::abs(static_cast<double>(out[static_cast<std::size_t>(h) * expected.out.size() + d]) -
                     expected.out[d]));
      REQUIRE(largest_difference < 2e-5);
      REQUIRE(totals.head(0, h).kept == std::count(expected.kept.begin(), expected.kept.end(), true));
      const std::int64_t asked = rule.selection == "dense" ? n : std::min(n, rule.k);
      REQUIRE(totals.head(0, h).topk_kept == asked);
      REQUIRE(totals.head(0, h).lost_mass == Approx(expected.lost_mass).margin(1e-5));
      for (std::size_t j = 0; j < needed.size(); ++j)
        needed[j] = needed[j] || expected.kept[j];
    }
    REQUIRE(totals.group(0, g).rows_needed == std::count(needed.begin(), needed.end(), true));
    REQUIRE(totals.group(0, g).rows_available == n);
  }
}

}  // namespace toptheta::testing
