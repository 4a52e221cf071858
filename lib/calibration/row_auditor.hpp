// What the thresholds of a table keep of rows that they were not calibrated on: kept elements against the k
// asked for, and the softmax mass that is lost. docs/method.md, "Counting"; docs/calibration.md, "Audit".
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "calibration/kept_histogram.hpp"
#include "core/rows.hpp"
#include "core/shape.hpp"
#include "theta/lookup.hpp"

namespace toptheta {

// What one document's rows of one head keep, rows with n <= k included, and what top-k would keep.
struct DocumentCount {
  std::int64_t kept = 0;
  std::int64_t asked = 0;  // sum of min(n, k)
};

// Rows of one (target, layer, head) over all documents. Rows with n <= k are dense: nothing but their number
// counts here.
struct HeadAudit {
  std::int64_t dense_rows = 0;
  std::int64_t rows = 0;     // with n > k
  std::int64_t visible = 0;  // their n
  std::int64_t kept = 0;
  double lost_mass = 0;  // sum over rows of 1 - the kept softmax mass, before compensation
  KeptHistogram kept_of_rows;
  KeptHistogram lost_of_rows;  // in parts of kLostUnit
};
inline constexpr double kLostUnit = 0x1p-20;

// Memory: 16 bytes for each document, target and head, up to 52 KiB of histograms for each target and head,
// and a look-up of every target (theta/lookup.hpp). The result does not depend on how rows are grouped into
// blocks, nor on the order in which heads arrive.
class RowAuditor final : public RowSink {
 public:
  // `k`: the targets to audit. `longest`: no row has more keys. Throws UsageError for scores wanted from rows
  // taken after the softmax and for a k that the table has not, InputError for a head without thresholds.
  RowAuditor(const ThresholdTable& table, const std::vector<std::int64_t>& k, Placement row_content,
             std::int64_t longest);

  // The rows that follow are another document's. Call it before the first.
  void start_document();
  // Throws InputError for values that are not finite, or that are no weights where rows should hold them.
  // Time: two passes over a row, each with an exponential for every value, and one more for each target but
  // the first.
  void add(const RowBlock& block) override;

  [[nodiscard]] std::int64_t documents() const { return documents_; }
  // Of the t-th target asked for, the index of a head among the table's cells.
  [[nodiscard]] const HeadAudit& head(std::size_t target, std::size_t cell) const {
    return heads_[target][cell];
  }
  // [documents]
  [[nodiscard]] const std::vector<DocumentCount>& counts(std::size_t target, std::size_t cell) const {
    return counts_[target][cell];
  }

 private:
  struct RowMass;
  void add_row(std::size_t target, const RowBlock& block, std::int64_t n, const RowMass& row);

  const ThresholdTable& table_;
  std::vector<const Target*> targets_;
  std::vector<ThresholdLookup> lookups_;
  Placement row_content_;
  std::int64_t documents_ = 0;
  std::vector<std::vector<HeadAudit>> heads_;                    // [targets][cells]
  std::vector<std::vector<std::vector<DocumentCount>>> counts_;  // [targets][cells][documents]
};

}  // namespace toptheta
