#include "report/json.hpp"

#include <cmath>
#include <limits>

#include "attention/policies/unit.hpp"
#include "report/sample_results.hpp"
#include "report/summary.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::testing;

TEST_CASE("the report has the documented shape") {
  const nlohmann::ordered_json json = json_of(sample_results());
  CHECK(json.at("schema") == "toptheta.result/1");
  const auto& dense = json.at("runs").at(0);
  CHECK(dense.at("policy").at("attention") == "dense");
  CHECK(dense.at("policy").at("k").is_null());
  CHECK(dense.at("task").at("kind") == "text");
  CHECK(dense.at("metrics").at("nll").at("value") == 1.25);
  CHECK(dense.at("metrics").at("nll").at("stderr") == 0.0125);
  CHECK(dense.at("metrics").at("perplexity").at("stderr").is_null());
  CHECK(dense.at("counts").at("tokens") == 4);
  CHECK(dense.at("seconds").at("total") == 0.5);

  const auto& theta = json.at("runs").at(1);
  CHECK(theta.at("policy").dump() ==
        R"({"attention":"theta","k":2,"placement":"pre-softmax","sdc":"exact","sdc_scale":1.0,"vmc":true,)"
        R"("cap_k":false,"layer_k":[null,2],"lookup":"nearest","thresholds":"theta.h5","add_sigma":0.5,)"
        R"("topk_at_calibration":true})");
  CHECK(label_of(sample_results().runs[1].policy).find("rho-law") == std::string::npos);
  Results with_law = sample_results();
  with_law.runs[1].policy.rho_law = true;
  CHECK(json_of(with_law).at("runs").at(1).at("policy").at("rho_law") == true);
  CHECK(label_of(with_law.runs[1].policy).ends_with(" rho-law"));
  with_law.runs[1].policy.policy.lookup = LengthLookup::linear;
  CHECK(label_of(with_law.runs[1].policy).ends_with(" lookup=linear rho-law"));
  const auto& provenance = json.at("provenance");
  CHECK(provenance.dump() == R"({"version":"0.1.0","commit":"abc","command":"tt-eval run","seed":7,)"
                             R"("inputs":[{"path":"task.jsonl","sha256":"bb"}],"threads":2})");
}

TEST_CASE("sparsity is given in total, per layer, per head and per KV group") {
  const nlohmann::ordered_json sparsity = json_of(sample_results()).at("runs").at(1).at("sparsity");
  CHECK(sparsity.at("phase") == "prefill");
  CHECK(sparsity.at("kept_elements") == Approx(35.0 / 40));
  REQUIRE(sparsity.at("per_layer").size() == 2);
  CHECK(sparsity.at("per_layer").at(0).at("kept_elements") == Approx(0.7));
  CHECK(sparsity.at("per_layer").at(1).at("effective_k_ratio") == Approx(std::sqrt(2.0)));
  REQUIRE(sparsity.at("per_head").size() == 4);
  CHECK(sparsity.at("per_head").at(3).dump() ==
        R"({"layer":1,"head":1,"kept_elements":1.4,"effective_k_ratio":2.0,"lost_mass":0.125,"tiles":null})");
  REQUIRE(sparsity.at("per_group").size() == 2);
  CHECK(sparsity.at("per_group").at(1).dump() == R"({"layer":1,"kv_head":0,"v_rows":0.75,"k_rows":1.0})");
}

TEST_CASE("a rival has its own options, no effective k, and reads the keys that it keeps") {
  Results results = sample_results();
  Policy& policy = results.runs[1].policy.policy;
  policy = {.selection = Selection::rows, .unit = find_policy("window"), .keep_first = 2};
  const nlohmann::ordered_json run = json_of(results).at("runs").at(1);
  CHECK(run.at("policy").at("attention") == "window");
  CHECK(run.at("policy").at("window") == 256);
  CHECK(run.at("policy").at("sinks") == 4);
  CHECK(run.at("policy").at("keep_first") == 2);
  CHECK(run.at("policy").at("placement").is_null());
  CHECK(run.at("sparsity").at("effective_k_ratio").is_null());
  CHECK(run.at("sparsity").at("k_rows") == 0.75);
}

TEST_CASE("provenance keeps the fingerprints of inputs that were too large to digest") {
  Results results = sample_results();
  results.provenance.inputs.push_back({"big.h5", "", "ff"});
  CHECK(json_of(results).at("provenance").at("inputs").at(1).at("fingerprint") == "ff");
}

TEST_CASE("what is not a number becomes null, never NaN") {
  Results results = sample_results();
  results.runs[0].metrics = {{"perplexity", {std::numeric_limits<double>::infinity(), std::nan("")}}};
  results.runs[0].sparsity = AttentionCounts(results.shape);  // nothing was seen: 0 / 0
  const std::string text = format_json(results);
  CHECK(text.find(": nan") == std::string::npos);
  CHECK(text.find(": inf") == std::string::npos);
  const auto json = nlohmann::json::parse(text);
  CHECK(json["runs"][0]["metrics"]["perplexity"]["value"].is_null());
  CHECK(json["runs"][0]["sparsity"]["per_head"][0]["kept_elements"].is_null());
}

TEST_CASE("a path that is not UTF-8 does not break the report") {
  Results results = sample_results();
  results.provenance.inputs[0].path = "caf\xE9.txt";
  CHECK_NOTHROW(nlohmann::json::parse(format_json(results)));
}

TEST_CASE("output errors stand per head, per layer and together, where they were measured") {
  Results results = sample_results();
  results.runs[1].sparsity.outputs = {{4, 0.01, 4, 3.9}, {4, 0, 4, 4}, {4, 0.04, 4, 3.8}, {4, 1, 4, 2}};
  const auto json = json_of(results);
  CHECK_FALSE(json["runs"][0]["sparsity"].contains("output_error"));
  const auto& sparsity = json["runs"][1]["sparsity"];
  CHECK(sparsity["per_head"][3]["output_error"] == 0.5);
  CHECK(sparsity["per_head"][3]["output_cosine"] == 0.5);
  CHECK(sparsity["per_head"][1]["output_error"] == 0);
  CHECK(sparsity["per_layer"][0]["output_error"].get<double>() == Approx(std::sqrt(0.01 / 8)));
  CHECK(sparsity["output_cosine"].get<double>() == Approx(13.7 / 16));
}

TEST_CASE("JSON has lists of plain values on one line", "[report][json]") {
  const nlohmann::ordered_json json = {
      {"a", {1, 2.5, nullptr}}, {"b", {{{"c", "x\ny"}}}}, {"d", nlohmann::ordered_json::array()}};
  const std::string text = format_json(json);
  CHECK(
      text ==
      "{\n  \"a\": [1,2.5,null],\n  \"b\": [\n    {\n      \"c\": \"x\\ny\"\n    }\n  ],\n  \"d\": []\n}\n");
  CHECK(nlohmann::ordered_json::parse(text) == json);
}
