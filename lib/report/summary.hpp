// The figures a person compares, as cells of text: the table and Markdown writers only lay them out.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "eval/result.hpp"

namespace toptheta {

struct SummaryColumn {
  std::string title;   // with its unit
  bool number = true;  // aligned to the right
  int spare = 0;       // where room is short the column with the largest goes first; 0: after all others
};

// The runs of one task, one row per policy.
struct SummarySection {
  std::string title;  // "heldout-a (text, 32 examples, prefill)"
  std::vector<SummaryColumn> columns;
  std::vector<std::vector<std::string>> rows;  // one cell per column; "-" where it does not apply
  // The policy of each row in one text, instead of the first `policy_columns` where room is short.
  std::vector<std::string> labels{};
  std::size_t policy_columns = 0;
  bool can_turn = false;  // whether rows may stand as columns where that is narrower
};

struct Summary {
  std::string heading;  // the model in one line
  std::vector<SummarySection> sections;
  std::vector<std::string> notes;  // what the columns mean
};

// How much a report of several tasks shows: one table over all of them, with or without one for each.
enum class Detail { full, overview };

// How a report for people is laid out.
struct Layout {
  Detail detail = Detail::full;
  std::size_t width = 80;  // columns on the screen
};

// Sections and rows in the order of the runs; where there are several tasks under the same policies, an
// overview (report/overview.hpp) comes first. A metric has a column if some run of the section has it.
Summary summarize(const Results& results, Detail detail = Detail::full);

// K rows read over those there are: what decides by every key reads all, the others what they keep, whose
// union over a KV group is that of its V rows.
double k_rows(const AttentionCounts& counts, const Policy& policy);

// The policy as it was in force, in one text: "theta k=64 [0:dense] sdc=exact".
std::string label_of(const PolicyRecord& record);

// Whether two runs are of one task, in one phase.
bool same_task(const RunResult& a, const RunResult& b);

// "64", or with layers of their own k in brackets: "64 [0-1:512,5:dense]".
// Where heads of one layer differ: their smallest and largest, "16 [heads 2-120]".
std::string format_layer_k(std::int64_t k, const std::vector<std::int64_t>& layer_k,
                           const std::vector<std::int64_t>& head_k = {});

}  // namespace toptheta
