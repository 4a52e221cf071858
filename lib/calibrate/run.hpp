// Runs a whole calibration, or one process's share of it, and merges the shares.
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
  double seconds = 60;           // time between two checkpoints; 0: after every sample
  bool resume = false;           // go on from the checkpoint if it exists
};

// The checkpoint file of one process of several, such as FILE.1-of-4; with one process, the path itself.
std::filesystem::path own_checkpoint(const std::filesystem::path& path, int rank, int size);

struct CalibrationJob {
  // Connects the processes that share the work, all of which run this job; null: there is only one. Not to be
  // combined with a shard. Each process writes its own checkpoint (own_checkpoint()).
  Communicator* cluster = nullptr;
  Shard shard{};
  // The part file to write, if this is one shard of several.
  std::filesystem::path part{};
  CheckpointPlan checkpoint{};
  // For the second round of SDC in shards: the table merged from the first round, which replaces stage
  // "thresholds".
  const ThresholdTable* sdc_table = nullptr;
  std::string sdc_table_name{};
  std::string sdc_table_sha256{};
  // Written to part files and checkpoints.
  Provenance provenance{};
  std::vector<CalibrationInput> inputs{};
};

struct CalibrationOutcome {
  std::optional<Calibration> calibration;  // none if a part was written, and in all processes but the first
  SampleRange samples;                     // the samples that this process worked on
};

// Streams the samples of the shard, in order, once for each stage and group (calibrate/states.hpp). Every
// process draws rows for all samples, including those that others stream, so that the draw does not depend on
// the number of processes. A whole calibration ends in its table. A shard ends in a part file for
// merge_calibration_parts(), after stage "thresholds", or after stage "sdc" if the job brings the table.
// Several processes divide the samples as shards do; their states are added up in rank order.
// Throws UsageError for options that cannot be met; InputError for rows that cannot be used, and for a
// checkpoint that is damaged or belongs to another calibration; PeerFailed if another process failed.
CalibrationOutcome run_calibration(RowSource& source, const CalibrationOptions& options, CalibrationJob job);

// Merges all parts of one calibration, given in any order, into the table that a single process would have
// made, provenance included. `sdc_table` is the table of the first round if the parts are of the second, else
// empty; UsageError if it is missing or given without need. Throws InputError for parts that are damaged,
// unfinished, of different calibrations, missing or given twice.
Calibration merge_calibration_parts(const std::vector<std::filesystem::path>& paths,
                                    const std::filesystem::path& sdc_table);

}  // namespace toptheta
