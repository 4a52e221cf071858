// Audits a threshold table on rows that it was not calibrated on: does it keep the k that was asked for?
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

// The figures of one head over all documents. They are of rows with n > k; rows with n <= k are dense and are
// only counted in dense_rows.
struct AuditedHead {
  std::int64_t layer = 0;
  std::int64_t head = 0;
  std::int64_t k = 0;  // the k in force for this head; kDenseK where it is dense
  std::int64_t rows = 0;
  std::int64_t dense_rows = 0;
  double mean_kept = 0;                                     // elements per row
  std::array<std::int64_t, kAuditQuantiles.size()> kept{};  // elements per row at each of kAuditQuantiles
  RatioEstimate ratio{};    // effective k over k; dense rows count too (docs/method.md, "Counting")
  double lost_mass = 0;     // mean over rows, before compensation
  double lost_mass_95 = 0;  // 95th percentile over rows
};

struct AuditedTarget {
  std::int64_t k = 0;
  RatioEstimate ratio{};              // geometric mean over the heads that have rows with n > k
  std::optional<double> deviation{};  // between documents (calibrate/effective_k.hpp)
  double kept_elements = 0;           // share of the visible elements, over rows with n > k
  double lost_mass = 0;               // mean over these rows
  std::vector<AuditedHead> heads{};   // [layers * heads]
  std::vector<ThinCells> thin{};      // entries of the table that rest on few rows (theta/thin_cells.hpp)
};

struct Audit {
  std::string model{};  // name of the model that the rows came from
  std::int64_t documents = 0;
  std::vector<AuditedTarget> targets{};
};

struct AuditOptions {
  std::vector<std::int64_t> k{};  // targets to audit; empty: all
  // [samples] the document of each sample: neighbouring samples with the same number belong to one document.
  // Empty: every sample is a document.
  std::vector<std::int64_t> document_of{};
  std::uint64_t seed = 0;  // of the bootstrap behind the intervals
  StageProgress progress{};
};

// Streams all rows once. Throws InputError if the table and the rows are of models of different shape, and
// whatever RowAuditor throws. Memory: see calibration/row_auditor.hpp and calibrate/effective_k.hpp.
Audit audit_table(const ThresholdTable& table, const std::string& table_path, RowSource& source,
                  const AuditOptions& options);

// How far from 1 a ratio may be: |ratio - 1| <= tolerance. A check without a tolerance always passes.
struct AuditCheck {
  std::optional<double> mean{};  // tolerance for the geometric mean over heads
  std::optional<double> head{};  // tolerance for every single head
};

// A ratio that is too far from 1.
struct AuditFailure {
  std::int64_t k = 0;
  const AuditedHead* head = nullptr;  // points into the Audit; null for the mean over heads
  RatioEstimate ratio{};
};

// The ratios that fail the check: means first, then heads, each target's farthest from 1 first.
std::vector<AuditFailure> failures_of(const Audit& audit, const AuditCheck& check);

// The heads of a target that have rows with n > k, those with a ratio farthest from 1 first; at most `most`.
std::vector<const AuditedHead*> worst_heads(const AuditedTarget& target, std::size_t most);

}  // namespace toptheta
