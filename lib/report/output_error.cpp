#include "report/output_error.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "report/number.hpp"

namespace toptheta {

namespace {

// The one with the largest error; of equals, the first.
std::int64_t worst_of(std::span<const OutputDifference> outputs) {
  const auto worst = std::ranges::max_element(
      outputs, {}, [](const OutputDifference& output) { return output.relative_error(); });
  return worst - outputs.begin();
}

std::vector<std::string> row_of(const RunResult& run) {
  const AttentionCounts& counts = run.sparsity;
  std::vector<OutputDifference> layers;
  layers.reserve(static_cast<std::size_t>(counts.shape.num_layers));
  for (std::int64_t layer = 0; layer < counts.shape.num_layers; ++layer)
    layers.push_back(counts.layer(layer).output());
  const std::int64_t layer = worst_of(layers);
  const std::int64_t at = worst_of(counts.outputs);
  const OutputDifference& head = counts.outputs[static_cast<std::size_t>(at)];
  const HeadCount& count = counts.heads[static_cast<std::size_t>(at)];
  const OutputDifference all = counts.output();
  return {label_of(run.policy),
          format_number(all.relative_error()),
          format_number(all.mean_cosine()),
          fmt::format("{}", layer),
          format_number(layers[static_cast<std::size_t>(layer)].relative_error()),
          fmt::format("{}.{}", at / counts.shape.num_heads, at % counts.shape.num_heads),
          format_number(head.relative_error()),
          format_number(head.mean_cosine()),
          format_percent(static_cast<double>(count.kept) / static_cast<double>(count.visible)),
          format_number(count.lost_mass / static_cast<double>(count.rows))};
}

}  // namespace

std::optional<SummarySection> output_errors_of(std::span<const RunResult> runs) {
  SummarySection section;
  for (const RunResult& run : runs)
    if (!run.sparsity.outputs.empty()) section.rows.push_back(row_of(run));
  if (section.rows.empty()) return std::nullopt;
  section.title = fmt::format("{}: attention output compared with dense attention ({})",
                              runs.front().task.name, name_of(runs.front().phase));
  section.columns = {{"policy", false},       {"rel. error"},
                     {"cosine", true, 3},     {"worst layer"},
                     {"its error"},           {"worst head"},
                     {"its error"},           {"its cosine", true, 4},
                     {"its kept %", true, 2}, {"its lost mass", true, 1}};
  return section;
}

std::vector<std::string> output_error_notes() {
  return {
      "rel. error: |out - dense| / |dense| of a head's outputs, before the output projection. dense is dense "
      "attention over the same queries, keys and values, so losses of earlier layers are not included.",
      "worst layer, worst head (layer.head): those with the largest error. cosine: mean over rows and "
      "heads."};
}

}  // namespace toptheta
