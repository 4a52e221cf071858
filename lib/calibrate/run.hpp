// A calibration from beginning to end, or one process's share of it.
#pragma once
#include <filesystem>
#include <optional>
#include <vector>

#include "calibrate/part.hpp"
#include "calibrate/row_source.hpp"
#include "cluster/communicator.hpp"

namespace toptheta {

struct CheckpointPlan {
  std::filesystem::path path{};  // empty: none
  double seconds = 60;           // between two; 0: after every sample
  bool resume = false;           // go on from it, where it exists
};

// The checkpoint of one process of several: FILE.1-of-4; the path itself where there is one process only.
std::filesystem::path own_checkpoint(const std::filesystem::path& path, int rank, int size);

struct CalibrationJob {
  // The processes that share the work, each with this job; null: one alone. Not together with a shard. Each
  // has a checkpoint of its own, whose name ends in its rank.
  Communicator* cluster = nullptr;
  Shard shard{};
  // With a shard of several: the file for the share's states.
  std::filesystem::path part{};
  CheckpointPlan checkpoint{};
  // The second round of offline SDC: the table of the first, which takes the place of stage "thresholds".
  const ThresholdTable* sdc_table = nullptr;
  std::string sdc_table_name{};
  std::string sdc_table_sha256{};
  // For part files and checkpoints.
  Provenance provenance{};
  std::vector<CalibrationInput> inputs{};
};

struct CalibrationOutcome {
  std::optional<Calibration> calibration;  // none where a part was written, and in processes but the first
  SampleRange samples;                     // that were this process's
};

// Streams the samples of the shard, in order, once for each stage and group. Rows are drawn for all samples,
// whoever streams them. A whole calibration ends in its table; a share ends in a part file, for
// merge_calibration_parts(), after stage "thresholds", or "sdc" where the job brings the table.
// Several processes deal out the samples as shards do; their states are added up in rank order.
// Throws UsageError for options that cannot be met; InputError for rows that cannot be used, and for a
// checkpoint that is damaged or belongs to something else; PeerFailed.
CalibrationOutcome run_calibration(RowSource& source, const CalibrationOptions& options, CalibrationJob job);

// All parts of one calibration, in any order: the same table, provenance included, as a single process's.
// `sdc_table`: the table of the first round, where the parts are of the second. Throws InputError for parts
// that are damaged, unfinished, of different calibrations, missing or there twice.
Calibration merge_calibration_parts(std::vector<std::filesystem::path> paths,
                                    const std::filesystem::path& sdc_table);

}  // namespace toptheta
