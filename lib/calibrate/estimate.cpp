#include "calibrate/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>

#include "calibration/accumulator.hpp"
#include "calibration/rho_law_fit.hpp"
#include "theta/curve.hpp"
#include "theta/length_bins.hpp"

namespace toptheta {

namespace {

// Measured figures.
constexpr std::int64_t kProgramBytes = std::int64_t{24} << 20;  // a fit of only a few rows
constexpr std::int64_t kColumnBytes = 72;     // per table entry, while a table is made and written
constexpr std::int64_t kOutputPerEntry = 20;  // after compression, which gives 8 to 30
constexpr std::int64_t kOutputFixed = 16 << 10;
constexpr std::int64_t kCurveBytes = 40 << 10;  // per layer, head and length bin

}  // namespace

std::int64_t CalibrationEstimate::best() const {
  return program_bytes + state_bytes + std::max(reading.least, std::min(reading.best, reading.usual()));
}

CalibrationEstimate estimate_calibration(DumpSource& source, const CalibrationOptions& options,
                                         const Shard& shard) {
  const SourceDescription& description = source.description();
  const ModelShape& shape = description.shape;
  const SampleRange range = samples_of(description.weights, shard);
  CalibrationEstimate estimate;
  estimate.samples = range.last - range.first;
  const LengthBins bins(options.length_bins);
  std::map<std::int32_t, std::int32_t> keys;  // length or bin (LengthBins::key) -> its longest row
  for (std::int64_t sample = range.first; sample < range.last; ++sample) {
    estimate.rows += source.rows(sample) * shape.num_heads;
    estimate.bytes += description.bytes[static_cast<std::size_t>(sample)];
    for (const std::int32_t length : source.lengths(sample)) {
      std::int32_t& longest = keys[bins.key(length)];
      longest = std::max(longest, length);
    }
  }
  const auto drawn = [&](std::int64_t all) {
    return static_cast<std::int64_t>(std::ceil(static_cast<double>(all) * options.row_fraction));
  };
  estimate.rows = drawn(estimate.rows);
  estimate.bytes = drawn(estimate.bytes);
  estimate.passes = options.has_sdc() ? 2 : 1;
  for (const std::int64_t k : options.k)
    for (const std::int64_t layer_k : resolve_layer_k(k, options.layer_k, shape.num_layers))
      estimate.entries += shape.num_heads * std::count_if(keys.begin(), keys.end(), [&](const auto& entry) {
                            return entry.second > layer_k;
                          });
  const auto per_entry = static_cast<std::int64_t>(sizeof(ThresholdStatistics) + sizeof(ThresholdEntry)) +
                         kColumnBytes +
                         (options.offline_sdc ? static_cast<std::int64_t>(sizeof(SdcStatistics)) : 0) +
                         (options.calibrated_sdc ? static_cast<std::int64_t>(sizeof(RhoStatistics)) : 0);
  estimate.state_bytes = estimate.entries * per_entry;
  if (options.rho_law)
    estimate.state_bytes += std::ssize(options.k) * shape.num_layers * shape.num_heads *
                            static_cast<std::int64_t>(sizeof(RhoLawStatistics));
  if (options.curves && !keys.empty())
    estimate.state_bytes +=
        shape.num_layers * shape.num_heads * kCurveBytes *
        (length_bin(keys.rbegin()->second) - length_bin(bins.shortest(keys.begin()->first)) + 1);
  estimate.program_bytes = kProgramBytes;
  estimate.reading = source.memory();
  estimate.output_bytes = kOutputFixed + estimate.entries * kOutputPerEntry;
  return estimate;
}

}  // namespace toptheta
