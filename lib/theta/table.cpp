#include "theta/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace toptheta {

namespace {

std::string list_k(const std::vector<Target>& targets) {
  std::string text;
  for (const Target& target : targets)
    text += (text.empty() ? "" : ", ") + format_k(target.k);
  return text;
}

std::string describe(const ModelShape& shape) {
  std::string text = fmt::format("{} layers, {} query heads", shape.num_layers, shape.num_heads);
  if (shape.num_kv_heads > 0) text += fmt::format(", {} KV heads", shape.num_kv_heads);
  if (shape.head_dim > 0) text += fmt::format(", head size {}", shape.head_dim);
  return text;
}

bool agree_where_known(std::int64_t a, std::int64_t b) {
  return a == 0 || b == 0 || a == b;
}

}  // namespace

bool ThresholdTable::has_rho() const {
  const auto in_cell = [](const std::vector<ThresholdEntry>& cell) {
    return std::any_of(cell.begin(), cell.end(),
                       [](const ThresholdEntry& entry) { return !std::isnan(entry.rho); });
  };
  return std::any_of(targets.begin(), targets.end(), [&](const Target& target) {
    return std::any_of(target.cells.begin(), target.cells.end(), in_cell);
  });
}

const Target& ThresholdTable::target(std::int64_t k) const {
  if (k == 0 && targets.size() == 1) return targets.front();
  for (const Target& candidate : targets)
    if (candidate.k == k) return candidate;
  if (k == 0)
    throw UsageError({.where = "threshold table",
                      .what = "holds thresholds for more than one k",
                      .expected = fmt::format("one of k = {}", list_k(targets)),
                      .found = "no k was given",
                      .next = "choose one with -k"});
  throw UsageError(
      {.where = "threshold table",
       .what = fmt::format("holds no thresholds for k = {}", format_k(k)),
       .expected = fmt::format("one of k = {}", list_k(targets)),
       .found = fmt::format("k = {}", format_k(k)),
       .next = "choose one of these, or " +
               (curves.empty() ? fmt::format("calibrate again with -k {}", format_k(k))
                               : fmt::format("find it from the table's curves: tt-calibrate retarget "
                                             "TABLE -k {} -o NEW.h5",
                                             format_k(k)))});
}

std::int64_t mean_k(const std::vector<std::int64_t>& head_k) {
  double sum = 0;
  double heads = 0;
  for (const std::int64_t k : head_k) {
    if (k == kDenseK) continue;
    sum += static_cast<double>(k);
    ++heads;
  }
  return heads > 0 ? std::llround(sum / heads) : kDenseK;
}

std::vector<std::int64_t> layer_k_of(const std::vector<std::int64_t>& head_k, std::int64_t num_heads) {
  std::vector<std::int64_t> layer_k;
  for (auto head = head_k.begin(); head != head_k.end(); head += num_heads)
    layer_k.push_back(*std::min_element(head, head + num_heads));
  return layer_k;
}

void require_shape(const ThresholdTable& table, const ModelShape& model, const std::string& path) {
  const ModelShape& own = table.meta.shape;
  if (own.num_layers == model.num_layers && own.num_heads == model.num_heads &&
      agree_where_known(own.num_kv_heads, model.num_kv_heads) &&
      agree_where_known(own.head_dim, model.head_dim))
    return;
  const std::string name = table.meta.model.empty() ? "" : fmt::format(" (model '{}')", table.meta.model);
  throw InputError({.where = path,
                    .what = "the thresholds were calibrated for a model of another shape",
                    .expected = describe(model),
                    .found = describe(own) + name,
                    .next = "calibrate on this model: tt-calibrate fit"});
}

}  // namespace toptheta
