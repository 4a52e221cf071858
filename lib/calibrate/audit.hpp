// A threshold table against rows that it was not calibrated on: does it keep the k that was asked for?
// docs/calibration.md, "Audit".
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "calibrate/effective_k.hpp"
#include "calibrate/options.hpp"
#include "calibrate/row_source.hpp"
#include "theta/thin_cells.hpp"

namespace toptheta {

inline constexpr std::array<double, 7> kAuditQuantiles = {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99};

// Rows with n > k of one head over all documents; rows with n <= k are dense and only counted.
struct AuditedHead {
  std::int64_t layer = 0;
  std::int64_t head = 0;
  std::int64_t k = 0;  // in force; kDenseK where dense
  std::int64_t rows = 0;
  std::int64_t dense_rows = 0;
  double mean_kept = 0;
  std::array<std::int64_t, kAuditQuantiles.size()> kept{};  // of a row, at kAuditQuantiles
  RatioEstimate ratio{};  // effective k over k, dense rows included as in docs/method.md, "Counting"
  double lost_mass = 0;   // mean over rows, before compensation
  double lost_mass_95 = 0;
};

struct AuditedTarget {
  std::int64_t k = 0;
  RatioEstimate ratio{};              // geometric mean over heads that have rows with n > k
  std::optional<double> deviation{};  // between documents (eval/effective_k.hpp)
  double kept_elements = 0;           // share of the visible, rows with n > k
  double lost_mass = 0;               // mean over these rows
  std::vector<AuditedHead> heads{};   // by layer and head
  std::vector<ThinCells> thin{};      // of the table
};

struct Audit {
  std::string model{};  // of the rows
  std::int64_t documents = 0;
  std::vector<AuditedTarget> targets{};
};

struct AuditOptions {
  std::vector<std::int64_t> k{};            // empty: all targets
  std::vector<std::int64_t> document_of{};  // [samples] neighbours of equal number are one document; empty:
                                            // every sample is one
  std::uint64_t seed = 0;                   // of the intervals
  StageProgress progress{};
};

// Streams all rows once. Throws InputError where the table's shape is not that of the rows, and what
// RowAuditor throws. Memory: calibration/row_auditor.hpp, eval/effective_k.hpp.
Audit audit_table(const ThresholdTable& table, const std::string& table_path, RowSource& source,
                  const AuditOptions& options);

// How far from 1 ratios may be: |ratio - 1| <= tolerance.
struct AuditCheck {
  std::optional<double> mean{};  // of the geometric mean over heads
  std::optional<double> head{};  // of every head
};

// A ratio that is too far from 1.
struct AuditFailure {
  std::int64_t k = 0;
  const AuditedHead* head = nullptr;  // null: the mean
  RatioEstimate ratio{};
};

// Means first, then heads, the farthest from 1 first.
std::vector<AuditFailure> failures_of(const Audit& audit, const AuditCheck& check);

// The heads of a target that have rows with n > k, the farthest from 1 first; at most `most`.
std::vector<const AuditedHead*> worst_heads(const AuditedTarget& target, std::size_t most);

}  // namespace toptheta
