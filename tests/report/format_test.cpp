#include "report/format.hpp"

#include "report/sample_results.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::testing;

TEST_CASE("formats by name and by extension") {
  CHECK(find_result_format("json")->name == "json");
  CHECK(find_result_format("md")->name == "md");
  CHECK(find_result_format("yaml") == nullptr);
  CHECK(result_format_of("a/b.json") == find_result_format("json"));
  CHECK(result_format_of("b.csv") == find_result_format("csv"));
  CHECK(result_format_of("b.md") == find_result_format("md"));
  CHECK(result_format_of("b.txt") == find_result_format("table"));
  CHECK(result_format_of("b") == find_result_format("table"));
}

TEST_CASE("the table, whole") {
  Results results = sample_results();
  results.runs.erase(results.runs.begin());
  CHECK(format_results(results, find_result_format("table")) ==
        "model tiny: 2 layers, 2 query heads, 1 KV heads of width 8\n"
        "\n"
        "quiz, hard (multiple-choice, 4 examples, prefill)\n"
        "                                                    kept      V  empty\n"
        "                                                elements   rows  tiles  eff. k\n"
        "policy                           acc  acc_norm         %      %      %     / k\n"
        "-------------------  ---------------  --------  --------  -----  -----  ------\n"
        "theta k=2 [0:dense]  0.5000 ± 0.2500    0.7500     87.50  75.00   0.00  1.1892\n"
        "sdc=exact vmc\n"
        "\n"
        "± one standard error of the mean.\n"
        "kept elements: attention weights kept, of all that causality allows.\n"
        "V rows (prefill): value rows that some head of the KV group needs in some row\n"
        "  of a sequence.\n"
        "empty tiles: tiles of scores in which no row keeps anything, of all that\n"
        "  causality allows.\n"
        "eff. k / k: kept elements relative to those that top-k keeps; geometric mean\n"
        "  over heads.\n"
        "Left out to fit 80 columns (the other formats have them): K rows %, lost mass.\n");
}

TEST_CASE("every format ends in a line break and is the same every time") {
  for (const ResultFormat format : {find_result_format("table"), find_result_format("json"),
                                    find_result_format("csv"), find_result_format("md")}) {
    const std::string text = format_results(sample_results(), format);
    CHECK(text.back() == '\n');
    CHECK(text == format_results(sample_results(), format));
  }
}
