// Estimates the work and the memory that a calibration from dumps takes, without reading any score.
#pragma once
#include <cstdint>

#include "calibrate/dump_source.hpp"
#include "calibrate/options.hpp"
#include "calibrate/shard.hpp"

namespace toptheta {

struct CalibrationEstimate {
  std::int64_t samples = 0;        // of this shard
  std::int64_t rows = 0;           // read in one pass, over all layers and query heads
  std::int64_t bytes = 0;          // of these rows, uncompressed
  std::int64_t passes = 1;         // 2 with SDC
  std::int64_t entries = 0;        // table entries: targets x layers x heads x row lengths (or bins)
  std::int64_t state_bytes = 0;    // memory of what the fitters gather, of the table and of its columns
  std::int64_t program_bytes = 0;  // memory of the program and its libraries
  ReadMemory reading;              // memory of the read buffers
  std::int64_t output_bytes = 0;   // approximate size of the table's file

  // Peak memory in bytes: with the smallest read buffers that work, and with the largest that still help.
  [[nodiscard]] std::int64_t least() const { return program_bytes + state_bytes + reading.least; }
  [[nodiscard]] std::int64_t best() const;
};

// Reads the lengths of rows but no scores. The memory figures count anonymous pages only, since the kernel
// drops pages of mapped files whenever it needs to.
CalibrationEstimate estimate_calibration(DumpSource& source, const CalibrationOptions& options,
                                         const Shard& shard);

}  // namespace toptheta
