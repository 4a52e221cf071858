// Counts what a table's thresholds keep of rows that they were not calibrated on: kept elements, to be
// compared with the k asked for, and lost softmax mass. docs/method.md, "Counting"; docs/calibration.md,
// "Audit".
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "calibration/kept_histogram.hpp"
#include "core/rows.hpp"
#include "core/shape.hpp"
#include "theta/lookup.hpp"

namespace toptheta {

// Elements over all rows of one head in one document, rows with n <= k included.
struct DocumentCount {
  std::int64_t kept = 0;
  std::int64_t asked = 0;  // what top-k would keep: the sum of min(n, k)
};

// The rows of one (target, layer, head) over all documents. Rows with n <= k are dense; only their number is
// recorded, and all other figures leave them out.
struct HeadAudit {
  std::int64_t dense_rows = 0;
  std::int64_t rows = 0;       // rows with n > k
  std::int64_t visible = 0;    // sum of their n
  std::int64_t kept = 0;       // elements that they keep
  double lost_mass = 0;        // sum over rows of 1 - kept softmax mass, before compensation
  KeptHistogram kept_of_rows;  // kept elements per row
  KeptHistogram lost_of_rows;  // lost mass per row, in units of kLostUnit
};
inline constexpr double kLostUnit = 0x1p-20;

// Memory: 16 bytes for each document, target and head, up to 52 KiB of histograms for each target and head,
// and a look-up table for each target (theta/lookup.hpp). The result does not depend on how rows are grouped
// into blocks, nor on the order in which heads arrive.
class RowAuditor final : public RowSink {
 public:
  // `k` names the targets to audit; no row may have more than `longest` keys. The table must outlive this
  // object. Throws UsageError for rows of softmax weights under thresholds of another placement, and for a k
  // that the table lacks; InputError for a head without thresholds.
  RowAuditor(const ThresholdTable& table, const std::vector<std::int64_t>& k, Placement row_content,
             std::int64_t longest);

  // Starts a document: the rows added from now on belong to it. Must be called before the first row.
  void start_document();
  // Throws InputError for values that are not finite, or for values that are no weights in rows of weights.
  // Time: two passes over a row, each with an exponential for every value, and one more for each target but
  // the first.
  void add(const RowBlock& block) override;

  [[nodiscard]] std::int64_t documents() const { return documents_; }
  // The figures of a head; `target` is an index into the constructor's `k`, `cell` is layer * heads + head.
  [[nodiscard]] const HeadAudit& head(std::size_t target, std::size_t cell) const {
    return heads_[target][cell];
  }
  // The head's counts for each document: [documents].
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
