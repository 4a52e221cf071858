#include "report/format.hpp"

#include "report/sample_results.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::testing;

TEST_CASE("formats by name and by extension") {
  CHECK(value_named<ResultFormat>("json") == ResultFormat::json);
  CHECK(value_named<ResultFormat>("md") == ResultFormat::markdown);
  CHECK(value_named<ResultFormat>("yaml") == std::nullopt);
  CHECK(result_format_of("a/b.json") == ResultFormat::json);
  CHECK(result_format_of("b.csv") == ResultFormat::csv);
  CHECK(result_format_of("b.md") == ResultFormat::markdown);
  CHECK(result_format_of("b.txt") == ResultFormat::table);
  CHECK(result_format_of("b") == ResultFormat::table);
}

TEST_CASE("the table, whole") {
  Results results = sample_results();
  results.runs.erase(results.runs.begin());
  CHECK(format_results(results, ResultFormat::table) ==
        "model tiny: 2 layers, 2 query heads, 1 KV heads of width 8\n"
        "\n"
        "quiz, hard (multiple-choice, 4 examples, prefill)\n"
        "policy            k  placement    SDC    VMC              acc  acc_norm  kept elements %  "
        "V rows %  eff. k / k  lost mass\n"
        "------  -----------  -----------  -----  ---  ---------------  --------  ---------------  "
        "--------  ----------  ---------\n"
        "theta   2 [0:dense]  pre-softmax  exact  yes  0.5000 ± 0.2500    0.7500            87.50  "
        "   75.00      1.1892     0.1250\n"
        "\n"
        "± one standard error of the mean.\n"
        "kept elements: attention weights kept, of all that causality allows.\n"
        "V rows (prefill): value rows that some head of the KV group and some row of a sequence needs.\n"
        "eff. k / k: kept elements over those that top-k keeps; geometric mean over heads.\n"
        "lost mass: mean softmax weight of what was dropped, before compensation.\n");
}

TEST_CASE("every format ends in a line break and is the same every time") {
  for (const ResultFormat format :
       {ResultFormat::table, ResultFormat::json, ResultFormat::csv, ResultFormat::markdown}) {
    const std::string text = format_results(sample_results(), format);
    CHECK(text.back() == '\n');
    CHECK(text == format_results(sample_results(), format));
  }
}
