// How well a table's thresholds are known, from what it says itself: spread and number of its rows.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

// The thresholds of one head.
struct ThresholdSpread {
  double theta = 0;  // mean over rows
  double half = 0;   // of a 95% interval of a threshold
  double rows = 0;   // per length
};

// Interpolated entries are passed over. Nullopt with fewer than 20 rows beyond the first of each length: the
// deviation would be a guess.
std::optional<ThresholdSpread> threshold_spread(const std::vector<ThresholdEntry>& entries);

// 95% half-widths, median over heads. Per head, rows of one length are taken as independent (each comes from
// another document), with one deviation s for all lengths, so that a threshold is known to h = 1.96 s /
// sqrt(rows per length); all lengths are taken to be off together, as they are where one text is unlike
// others.
struct TablePrecision {
  double weight = 0;                    // relative, of the softmax weight at the threshold
  double effective_k = kNotCalibrated;  // relative, of kept elements; where the table has curves
  double rows = 0;                      // calibration rows per length, about the number of documents
};

// Nullopt where no head has 20 rows beyond the first of each length, and for estimators without row
// thresholds (std 0).
std::optional<TablePrecision> table_precision(const ThresholdTable& table, const Target& target);

// Documents under which the half-width would be `wanted`: it shrinks with their square root.
std::int64_t documents_for(double half_width, double rows, double wanted);

}  // namespace toptheta
