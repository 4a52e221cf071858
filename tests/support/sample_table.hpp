// A small threshold table with everything that files must keep, and comparison of tables.
#pragma once
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "core/error.hpp"
#include "support/catch.hpp"
#include "theta/table.hpp"

namespace toptheta::testing {

inline bool same_number(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

inline bool same(const ThresholdEntry& a, const ThresholdEntry& b) {
  return a.length == b.length && a.theta == b.theta && a.std == b.std && a.count == b.count &&
         same_number(a.sdc, b.sdc) && same_number(a.kept_mass, b.kept_mass) && same_number(a.rho, b.rho);
}

inline void check_same(const Target& a, const Target& b) {
  CHECK(a.k == b.k);
  CHECK(a.layer_k == b.layer_k);
  CHECK(a.head_k == b.head_k);
  REQUIRE(a.cells.size() == b.cells.size());
  for (std::size_t cell = 0; cell < a.cells.size(); ++cell) {
    REQUIRE(a.cells[cell].size() == b.cells[cell].size());
    for (std::size_t i = 0; i < a.cells[cell].size(); ++i)
      CHECK(same(a.cells[cell][i], b.cells[cell][i]));
    const RhoLaw law = a.rho_law_of(cell);
    const RhoLaw other = b.rho_law_of(cell);
    CHECK(same_number(law.constant, other.constant));
    CHECK(same_number(law.of_length, other.of_length));
    CHECK(same_number(law.of_kept, other.of_kept));
  }
}

inline void check_same(const ThresholdTable& a, const ThresholdTable& b) {
  CHECK(a.meta.shape == b.meta.shape);
  CHECK(a.meta.model == b.meta.model);
  CHECK(a.meta.placement == b.meta.placement);
  CHECK(a.meta.estimator == b.meta.estimator);
  CHECK(a.meta.add_sigma == b.meta.add_sigma);
  CHECK(a.meta.topk_at_calibration == b.meta.topk_at_calibration);
  CHECK(a.meta.row_fraction == b.meta.row_fraction);
  CHECK(a.meta.length_bins == b.meta.length_bins);
  CHECK(a.meta.kept == b.meta.kept);
  CHECK(a.meta.provenance == b.meta.provenance);
  REQUIRE(a.targets.size() == b.targets.size());
  for (std::size_t t = 0; t < a.targets.size(); ++t)
    check_same(a.targets[t], b.targets[t]);
}

// 3 layers of 2 heads; targets 16 and 4, in this order; layer 0 dense, layer 1 with k = 8, layer 2 as asked.
// Head 1 of layer 2 has no SDC terms.
inline ThresholdTable sample_table() {
  ThresholdTable table;
  table.meta.shape = {3, 2, 1, 64};
  table.meta.model = "sample \"\xC3\xA9\"";
  table.meta.add_sigma = 0.1;
  table.meta.topk_at_calibration = true;
  table.meta.row_fraction = 0.25;
  table.meta.provenance = {
      "0.1.0", "abc", "tt-calibrate fit 'a b.h5'", ~std::uint64_t{0}, {{"a b.h5", "00ff"}}};
  for (const std::int64_t k : {16, 4}) {
    Target target{k, {kDenseK, 8, k}, std::vector<std::vector<ThresholdEntry>>(6)};
    for (std::size_t cell = 2; cell < 6; ++cell) {
      const std::int64_t layer_k = target.layer_k[cell / 2];
      for (std::int32_t i = 1; i <= 3; ++i) {
        const double theta =
            static_cast<double>(i) / 3 - static_cast<double>(cell * static_cast<std::size_t>(layer_k));
        const double sdc = cell == 5 ? kNotCalibrated : 1e-5 * i;
        target.cells[cell].push_back({static_cast<std::int32_t>(layer_k) + 10 * i, theta, 0.1 * i, i, sdc,
                                      i == 2 ? kNotCalibrated : 0.5});
      }
    }
    table.targets.push_back(std::move(target));
  }
  return table;
}

// The same of length bins and beside the ends of rows, with rho in target 16, but not in its last head.
inline ThresholdTable sample_table_with_rho() {
  ThresholdTable table = sample_table();
  table.meta.length_bins = 8;
  table.meta.kept = {3, 5};
  for (std::size_t cell = 2; cell < 5; ++cell)
    for (ThresholdEntry& entry : table.targets[0].cells[cell])
      entry.rho = 0.125 * entry.length + 1e-9;
  return table;
}

// The same with laws for rho in both heads of layer 1 and in the last head, which has no rho.
inline ThresholdTable sample_table_with_laws() {
  ThresholdTable table = sample_table_with_rho();
  table.targets[0].rho_laws.resize(6);
  for (const std::size_t cell : {2, 3, 5})
    table.targets[0].rho_laws[cell] = {-1.0 / static_cast<double>(cell), 0.125, 1e-9};
  return table;
}

// 2 layers of 2 heads, each with a k of its own: 3 and 5; dense and 8.
inline ThresholdTable sample_table_by_head() {
  ThresholdTable table;
  table.meta.shape = {2, 2, 1, 64};
  table.meta.estimator = "budget";
  Target target{5, {3, 8}, std::vector<std::vector<ThresholdEntry>>(4)};
  target.head_k = {3, 5, kDenseK, 8};
  for (const std::size_t cell : {0, 1, 3})
    for (std::int32_t i = 1; i <= 2; ++i)
      target.cells[cell].push_back({static_cast<std::int32_t>(target.head_k[cell]) + i,
                                    0.25 * static_cast<double>(cell) - i, 0, 7, kNotCalibrated, 0.75});
  table.targets.push_back(std::move(target));
  return table;
}

inline std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// The problem of the error that `action` throws; the test fails if it throws none.
template <typename ErrorType, typename Action>
Problem problem_of(Action action) {
  try {
    action();
  } catch (const ErrorType& error) {
    return error.problem();
  }
  FAIL("no error of the expected type");
  return {};
}

}  // namespace toptheta::testing
