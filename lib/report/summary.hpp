// The figures that people compare, as text cells. The writers of tables and Markdown only lay them out.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "eval/result.hpp"

namespace toptheta {

struct SummaryColumn {
  std::string title;   // with its unit
  bool number = true;  // aligned to the right
  int spare = 0;       // if space is short, columns with the largest value are left out first, with 0 last
};

// The runs of one task, one row per policy.
struct SummarySection {
  std::string title;  // "heldout-a (text, 32 examples, prefill)"
  std::vector<SummaryColumn> columns;
  std::vector<std::vector<std::string>> rows;  // one cell per column; "-" if it does not apply
  // The policy of each row in one text, which replaces the first `policy_columns` if space is short.
  std::vector<std::string> labels{};
  std::size_t policy_columns = 0;
  bool can_turn = false;  // whether the table may be transposed if that is narrower
};

struct Summary {
  std::string heading;  // the model in one line
  std::vector<SummarySection> sections;
  std::vector<std::string> notes;  // what the columns mean
};

// What a report of several tasks shows: one table over all of them, with or without one table for each.
enum class Detail { full, overview };

// How a report for people is laid out.
struct Layout {
  Detail detail = Detail::full;
  std::size_t width = 80;  // columns on the screen
};

// Sections and rows are in the order of the runs. If several tasks were run under the same policies, an
// overview (report/overview.hpp) comes first. A metric has a column if some run of the section has it.
Summary summarize(const Results& results, Detail detail = Detail::full);

// The share of K rows that must be read. Policies that decide by the score of every key read all of them; the
// others read what they keep, whose union over a KV group equals its V rows.
double k_rows(const AttentionCounts& counts, const Policy& policy);

// The policy as it was applied, in one text: "theta k=64 [0:dense] sdc=exact".
std::string label_of(const PolicyRecord& record);

// Whether two runs are of the same task in the same phase.
bool same_task(const RunResult& a, const RunResult& b);

// "64", or with layers that have a k of their own in brackets: "64 [0-1:512,5:dense]".
// If heads of one layer differ, the smallest and largest k: "16 [heads 2-120]".
std::string format_layer_k(std::int64_t k, const std::vector<std::int64_t>& layer_k,
                           const std::vector<std::int64_t>& head_k = {});

}  // namespace toptheta
