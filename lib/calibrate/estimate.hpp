// What a calibration from dumps will take, from their headers alone.
#pragma once
#include <cstdint>

#include "calibrate/dump_source.hpp"
#include "calibrate/options.hpp"
#include "calibrate/shard.hpp"

namespace toptheta {

struct CalibrationEstimate {
  std::int64_t samples = 0;
  std::int64_t rows = 0;   // of all layers and query heads, that will be read in a pass
  std::int64_t bytes = 0;  // of these, uncompressed, in a pass
  std::int64_t passes = 1;
  std::int64_t entries = 0;        // of the table: targets, layers, heads, row lengths
  std::int64_t state_bytes = 0;    // of memory: what the fitters gather, the table, and its columns
  std::int64_t program_bytes = 0;  // of memory: the program and its libraries
  ReadMemory reading;
  std::int64_t output_bytes = 0;  // of the table, about

  // Peak memory: with the least buffers that work, and with all that is of use.
  [[nodiscard]] std::int64_t least() const { return program_bytes + state_bytes + reading.least; }
  [[nodiscard]] std::int64_t best() const;
};

// Reads lengths of rows, and no scores. Memory is that of anonymous pages: pages of mapped files come and go.
CalibrationEstimate estimate_calibration(DumpSource& source, const CalibrationOptions& options,
                                         const Shard& shard);

}  // namespace toptheta
