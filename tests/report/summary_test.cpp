#include "report/summary.hpp"

#include <algorithm>

#include "report/sample_results.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

// The cell under a title in the first row of a section; empty where there is no such column.
std::string cell(const Summary& summary, std::size_t section, const std::string& title) {
  const SummarySection& s = summary.sections.at(section);
  const auto it = std::find_if(s.columns.begin(), s.columns.end(),
                               [&](const SummaryColumn& column) { return column.title == title; });
  return it == s.columns.end() ? "" : s.rows.at(0).at(static_cast<std::size_t>(it - s.columns.begin()));
}

}  // namespace

TEST_CASE("layers of their own k stand in brackets, neighbours together") {
  CHECK(format_layer_k(64, {}) == "64");
  CHECK(format_layer_k(0, {}) == "-");
  CHECK(format_layer_k(64, {64, 64, 64}) == "64");
  CHECK(format_layer_k(64, {512, 512, 64}) == "64 [0-1:512]");
  CHECK(format_layer_k(64, {512, 64, 64, 64, 64, kDenseK}) == "64 [0:512,5:dense]");
  CHECK(format_layer_k(64, {16, 32}) == "64 [0:16,1:32]");
}

TEST_CASE("each task has a section, with the metrics that it has") {
  const Summary summary = summarize(sample_results());
  REQUIRE(summary.sections.size() == 2);
  CHECK(summary.sections[0].title == "held-out (text, 1 example, prefill)");
  CHECK(summary.sections[1].title == "quiz, hard (multiple-choice, 4 examples, prefill)");
  CHECK(cell(summary, 0, "perplexity") == "3.4903");
  CHECK(cell(summary, 0, "nll (nats/token)") == "1.2500 ± 0.0125");
  CHECK(cell(summary, 0, "acc").empty());
  CHECK(cell(summary, 1, "perplexity").empty());
  CHECK(cell(summary, 1, "acc") == "0.5000 ± 0.2500");
}

TEST_CASE("policies of one task share a section; a metric that one of them lacks is a dash") {
  Results results = sample_results();
  results.runs[1].task = results.runs[0].task;
  const Summary summary = summarize(results);
  REQUIRE(summary.sections.size() == 1);
  REQUIRE(summary.sections[0].rows.size() == 2);
  CHECK(cell(summary, 0, "acc") == "-");
}

TEST_CASE("sparsity figures follow from the counts") {
  const Summary summary = summarize(sample_results());
  CHECK(cell(summary, 0, "kept elements %") == "100.00");
  CHECK(cell(summary, 0, "eff. k / k") == "-");
  // 7 + 7 + 7 + 14 of 40 visible; the last head keeps twice what top-k would: geometric mean 2^(1/4).
  CHECK(cell(summary, 1, "kept elements %") == "87.50");
  CHECK(cell(summary, 1, "eff. k / k") == "1.1892");
  CHECK(cell(summary, 1, "V rows %") == "75.00");
  CHECK(cell(summary, 1, "lost mass") == "0.1250");
}

TEST_CASE("the policy is spelled out") {
  Results results = sample_results();
  results.runs[1].policy.policy.sdc_scale = 0.5;
  results.runs[1].policy.policy.cap_k = true;
  const Summary summary = summarize(results);
  CHECK(cell(summary, 0, "policy") == "dense");
  CHECK(cell(summary, 0, "placement") == "-");
  CHECK(cell(summary, 1, "policy") == "theta cap-k");
  CHECK(cell(summary, 1, "placement") == "pre-softmax");
  CHECK(cell(summary, 1, "SDC") == "exact x 0.5");
  CHECK(cell(summary, 1, "VMC") == "yes");
  CHECK(cell(summary, 1, "k") == "2 [0:dense]");
}

TEST_CASE("prefill and decode of one task are told apart") {
  Results results = sample_results();
  results.runs[1].task = results.runs[0].task;
  results.runs[1].phase = Phase::decode;
  const Summary summary = summarize(results);
  REQUIRE(summary.sections.size() == 2);
  CHECK(summary.sections[1].title == "held-out (text, 1 example, decode)");
}

TEST_CASE("where outputs were compared with dense attention's, the worst layer and head are named") {
  Results results = sample_results();
  CHECK(summarize(results).sections.size() == 2);
  std::vector<OutputDifference>& outputs = results.runs[1].sparsity.outputs;
  outputs = {{4, 0.01, 4, 3.9}, {4, 0, 4, 4}, {4, 0.04, 4, 3.8}, {4, 1, 4, 2}};
  const Summary summary = summarize(results);
  REQUIRE(summary.sections.size() == 3);
  CHECK(summary.sections[2].title == "quiz, hard: attention output compared with dense attention (prefill)");
  // sqrt(1.05 / 16), (3.9 + 4 + 3.8 + 2) / 16; layer 1: sqrt(1.04 / 8); head 1.1: sqrt(1 / 4), 2 / 4, 14
  // of 10.
  CHECK(summary.sections[2].rows ==
        std::vector<std::vector<std::string>>{{"theta k=2 [0:dense] sdc=exact vmc", "0.2562", "0.8562", "1",
                                               "0.3606", "1.1", "0.5000", "0.5000", "140.00", "0.1250"}});
}
